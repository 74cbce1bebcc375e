import { randomBytes } from 'node:crypto';
import type { Ambient } from './ports.js';

/** The machine's own clock, randomness and timers: what `meshmart up` passes to every service. */
export function machineAmbient(): Ambient {
  return {
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: {
      next: () => Math.random(),
      bytes: pooledBytes(),
      secretBytes: (length) => randomBytes(length),
    },
    timers: { sleep, after },
  };
}

function after(delayMs: number, task: () => void): () => void {
  const timer = setTimeout(task, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      // The listener goes with the wait: a long-lived signal must not collect one per sleep.
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

const poolLength = 8_192;

/** Random bytes drawn many at a time: each draw has a price, and every span takes a few. Secrets are drawn one by one. */
function pooledBytes(): (length: number) => Uint8Array {
  let pool = randomBytes(poolLength);
  let used = 0;
  return (length) => {
    if (length > poolLength) return randomBytes(length);
    if (used + length > poolLength) {
      pool = randomBytes(poolLength);
      used = 0;
    }
    used += length;
    return pool.subarray(used - length, used);
  };
}
