#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root.js';
import { StartupError } from '../runtime/startup-error.js';
import type { Command, Terminal } from './command.js';
import { commandHelp, overviewHelp } from './help.js';
import { parseInvocation } from './parse.js';

/** Commands are loaded when they are asked for: `meshmart status` must not pay for loading the shop. */
const loaders: readonly (() => Promise<Command>)[] = [
  async () => (await import('./up.js')).up,
  async () => (await import('./serve.js')).serve,
  async () => (await import('./down.js')).down,
  async () => (await import('./status.js')).status,
  async () => (await import('./call.js')).call,
  async () => (await import('./trace.js')).trace,
  async () => (await import('./dlq.js')).dlq,
  async () => (await import('./token.js')).token,
  async () => (await import('./replay.js')).replay,
  async () => (await import('./databases.js')).databases,
  async () => (await import('./autoscaler.js')).autoscaler,
  async () => (await import('./sim.js')).sim,
  async () => (await import('./chaos.js')).chaos,
];
const names = [
  'up',
  'serve',
  'down',
  'status',
  'call',
  'trace',
  'dlq',
  'token',
  'replay',
  'databases',
  'autoscaler',
  'sim',
  'chaos',
];

const terminal: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  environment: process.env,
  interactive: process.stdout.isTTY === true,
};

async function main(argv: readonly string[]): Promise<number> {
  const position = names.indexOf(argv[0] ?? '');
  const wanted = position >= 0 ? [loaders[position] as () => Promise<Command>] : loaders;
  const commands = await Promise.all(wanted.map((load) => load()));
  const invocation = parseInvocation(argv, commands);
  switch (invocation.kind) {
    case 'help':
      terminal.out(
        invocation.command === undefined ? overviewHelp(commands) : commandHelp(invocation.command),
      );
      return 0;
    case 'version':
      terminal.out(`${packageVersion()}\n`);
      return 0;
    case 'run':
      return invocation.command.run(invocation.args, terminal);
    default:
      return invocation satisfies never;
  }
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    // What the user can mend is one line. Anything else is a mistake of ours, and its stack helps whoever mends it.
    terminal.err(
      error instanceof StartupError
        ? `meshmart: ${error.message}\n`
        : `meshmart: ${(error as Error).stack}\n`,
    );
    process.exitCode = 1;
  },
);
