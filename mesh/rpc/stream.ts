import type { Body } from './wire.js';

/** Whether a body is a stream. */
export function isStream(body: Body): body is AsyncIterable<Uint8Array> {
  return !(body instanceof Uint8Array);
}

/** The same stream with each item changed. */
export async function* mapStream<From, To>(
  stream: AsyncIterable<From>,
  change: (item: From) => To,
): AsyncGenerator<To> {
  for await (const item of stream) yield change(item);
}

/**
 * Calls `ended` once: for a single message now, for a stream when it ends, fails or is left early.
 * @param ended gets what the stream failed with, or undefined.
 */
export function onEnd(body: Body, ended: (failure: unknown) => void): Body {
  if (isStream(body)) return watched(body, ended);
  ended(undefined);
  return body;
}

async function* watched(
  stream: AsyncIterable<Uint8Array>,
  ended: (failure: unknown) => void,
): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  try {
    yield* stream;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    ended(failure);
  }
}

/** Passes a stream on until the signal is aborted; then it fails with the signal's reason and the source is closed. */
export async function* untilAborted<T>(stream: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = stream[Symbol.asyncIterator]();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  aborted.catch(() => undefined);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a source that hangs must not hold back whoever gave up on it.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
