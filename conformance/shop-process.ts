import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { eventually } from '../mesh/testing/eventually.js';

/** The shop as a person runs it: the built command line in a process of its own. */
export interface ShopProcess {
  readonly pid: number;
  readonly httpUrl: string;
  readonly grpcAddress: string;
  readonly adminUrl: string;
  /** What it has printed so far, standard error included. */
  output(): string;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** What Ctrl-C does: SIGINT to all of its process group. Needs `ownGroup`. Resolves with the exit code. */
  interrupt(): Promise<number | null>;
}

/** Where and how to run it. */
export interface ShopStart {
  readonly dataFolder: string;
  readonly ports: { readonly http: number; readonly grpc: number; readonly admin: number };
  readonly environment?: Readonly<Record<string, string>>;
  /** What comes after `meshmart up`. */
  readonly arguments?: readonly string[];
  /** Longest wait until it is ready. Default 20000. */
  readonly readyWithinMs?: number;
  /** Whether it gets a process group of its own, as a command in a terminal does. Default false. */
  readonly ownGroup?: boolean;
}

/** Starts the built shop and waits until a purchase would work. */
export async function startShop(start: ShopStart): Promise<ShopProcess> {
  const environment = {
    PORT: String(start.ports.http),
    GRPC_PORT: String(start.ports.grpc),
    ADMIN_PORT: String(start.ports.admin),
    MESHMART_DATA: start.dataFolder,
    ...start.environment,
  };
  const shop = runMeshmart(['up', ...(start.arguments ?? [])], environment, { ownGroup: start.ownGroup });
  const httpUrl = `http://127.0.0.1:${start.ports.http}`;
  try {
    await eventually(
      async () => {
        if (shop.child.exitCode !== null) return;
        const answer = await fetch(`${httpUrl}/readyz`, { signal: AbortSignal.timeout(1_000) });
        if (answer.status !== 200) throw new Error(`not ready: ${await answer.text()}`);
      },
      { withinMs: start.readyWithinMs ?? 20_000, everyMs: 20 },
    );
  } catch (error) {
    // Nobody else knows of it.
    shop.child.kill('SIGTERM');
    await shop.exited;
    throw error;
  }
  if (shop.child.exitCode !== null)
    throw new Error(`the shop ended with ${shop.child.exitCode}: ${shop.output()}`);
  return {
    pid: shop.child.pid ?? 0,
    httpUrl,
    grpcAddress: `127.0.0.1:${start.ports.grpc}`,
    adminUrl: `http://127.0.0.1:${start.ports.admin}`,
    output: shop.output,
    kill: async () => {
      shop.child.kill('SIGKILL');
      await shop.exited;
    },
    stop: async () => {
      shop.child.kill('SIGTERM');
      return shop.exited;
    },
    interrupt: async () => {
      process.kill(-(shop.child.pid ?? 0), 'SIGINT');
      return shop.exited;
    },
  };
}

/** A run of the command line. */
export interface MeshmartRun {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  output(): string;
}

/** Where a command line runs. */
export interface RunOptions {
  /** The folder that it is built in. Default: this package. */
  readonly root?: string | undefined;
  /** See {@link ShopStart.ownGroup}. */
  readonly ownGroup?: boolean | undefined;
}

/** Runs the built `meshmart` with these arguments. The environment is only what is given, and PATH. */
export function runMeshmart(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  { root = packageRoot(), ownGroup = false }: RunOptions = {},
): MeshmartRun {
  const main = join(root, 'dist', 'bundle', 'mesh', 'cli', 'main.js');
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-200_000);
    });
  }
  return {
    child,
    exited: once(child, 'exit').then(([code]) => code as number | null),
    output: () => text,
  };
}
