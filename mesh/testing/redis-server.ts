import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { redisArguments, redis as redisKind } from '../shape/servers/redis.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { temporaryFolder } from './temporary-folder.js';

/** A real Redis for a test, with the settings of the shop. */
export interface TestRedis {
  readonly url: string;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
  /** Ends it and deletes its data. */
  end(): Promise<void>;
}

/** Starts a Redis at a free port. @throws Error when `redis-server` is not on PATH. */
export async function startTestRedis(): Promise<TestRedis> {
  const folder = temporaryFolder();
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess;
  const start = async () => {
    child = spawn('redis-server', [...redisArguments(port), '--dir', folder.path], { stdio: 'ignore' });
    let failure: Error | undefined;
    child.once('error', (error) => {
      failure = error;
    });
    await eventually(
      () => {
        if (failure !== undefined) throw failure;
        return redisKind.ready(url, AbortSignal.timeout(500));
      },
      { withinMs: 10_000, everyMs: 20 },
    );
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  await start();
  return {
    url,
    kill,
    start,
    end: async () => {
      await kill();
      folder.remove();
    },
  };
}
