import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../testing/eventually.js';
import { freePort } from '../testing/free-port.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

/** A Consul server of a test, at ports of its own. */
export interface ConsulProcess {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  readonly url: string;
  /** Starts it, with what its data folder holds, and waits until it has a leader. */
  start(): Promise<void>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Deletes what it kept; it must not run. */
  forgetAll(): void;
  /** Sends a request with a JSON body; answers with the parsed JSON, if there is any. */
  request(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<unknown>;
  /** Ends it and deletes its folder. */
  close(): Promise<void>;
}

/** Makes a Consul that does not run yet. @param settings of its configuration file, beside those that every test has. */
export async function consulProcess(
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ConsulProcess> {
  const folder = temporaryFolder();
  const dataFolder = join(folder.path, 'data');
  const http = await freePort();
  const configuration = {
    server: true,
    bootstrap_expect: 1,
    data_dir: dataFolder,
    bind_addr: '127.0.0.1',
    client_addr: '127.0.0.1',
    ports: {
      http,
      server: await freePort(),
      serf_lan: await freePort(),
      serf_wan: -1,
      dns: -1,
      grpc: -1,
      grpc_tls: -1,
    },
    performance: { raft_multiplier: 1 },
    disable_update_check: true,
    log_level: 'warn',
    ...settings,
  };
  const file = folder.write('consul.json', JSON.stringify(configuration));
  const url = `http://127.0.0.1:${http}`;
  let running: ChildProcess | undefined;

  const request: ConsulProcess['request'] = async (method, path, body) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(5_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const kill = async () => {
    if (running === undefined) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
    running = undefined;
  };
  return {
    address: `127.0.0.1:${http}`,
    url,
    start: async () => {
      const child = spawn('consul', ['agent', `-config-file=${file}`], { stdio: 'ignore' });
      running = child;
      await Promise.race([
        once(child, 'spawn'),
        once(child, 'error').then(([error]) => Promise.reject(error)),
      ]);
      await eventually(
        async () => {
          if (child.exitCode !== null) throw new Error(`Consul ended with ${child.exitCode}`);
          return (await request('GET', '/v1/status/leader')) !== '';
        },
        { withinMs: 15_000, everyMs: 50, what: 'a leader' },
      );
    },
    kill,
    signal: (signal) => running?.kill(signal),
    forgetAll: () => rmSync(dataFolder, { recursive: true, force: true }),
    request,
    close: async () => {
      await kill();
      folder.remove();
    },
  };
}
