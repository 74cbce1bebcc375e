import type { Socket } from 'node:net';

/** One direction of a connection. */
export interface FlowOptions {
  readonly from: Socket;
  readonly to: Socket;
  /** How long bytes that come now wait, in milliseconds. */
  delayMs(): number;
  /** Whether nothing passes at present. */
  isHeld(): boolean;
  /** What of these bytes passes; undefined for none. */
  pass(bytes: Buffer): Buffer | undefined;
  /** The end of the stream has passed. */
  onEnd(): void;
  /** An end broke off. Told when nothing is held. */
  onBroken(): void;
}

/** A direction under way. */
export interface Flow {
  /** Looks again whether something passes: the weather has changed. */
  goOn(): void;
  stop(): void;
}

/** More than this is not taken from a sender whose bytes wait; its own buffers fill then, as on a real network. */
const mostWaitingBytes = 1_048_576;

interface Waiting {
  readonly dueMs: number;
  /** Undefined: the end. */
  readonly bytes: Buffer | 'end' | 'broken';
}

/** Carries bytes in order, each not before it is due, none while the direction is held. */
export function flow(options: FlowOptions): Flow {
  const { from, to } = options;
  const queue: Waiting[] = [];
  let waitingBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let full = false;
  let stopped = false;

  const take = (bytes: Waiting['bytes']) => {
    const last = queue.at(-1)?.dueMs ?? 0;
    queue.push({ dueMs: Math.max(last, performance.now() + options.delayMs()), bytes });
    if (bytes instanceof Buffer) waitingBytes += bytes.length;
    if (waitingBytes > mostWaitingBytes) from.pause();
    goOn();
  };
  const goOn = () => {
    clearTimeout(timer);
    timer = undefined;
    while (!stopped && !full && !options.isHeld()) {
      const [next] = queue;
      if (next === undefined) break;
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        timer = setTimeout(goOn, waitMs);
        return;
      }
      queue.shift();
      if (next.bytes === 'broken') return options.onBroken();
      if (next.bytes === 'end') {
        to.end();
        return options.onEnd();
      }
      waitingBytes -= next.bytes.length;
      const bytes = options.pass(next.bytes);
      if (bytes !== undefined && !stopped && !to.write(bytes)) {
        full = true;
        to.once('drain', () => {
          full = false;
          goOn();
        });
      }
    }
    if (!stopped && waitingBytes <= mostWaitingBytes) from.resume();
  };

  from.on('data', (bytes: Buffer) => take(bytes));
  from.once('end', () => take('end'));
  from.on('error', () => take('broken'));
  // One that is gone without an end or an error was destroyed: its peer hears of it in the same way.
  from.once('close', () => {
    if (!from.readableEnded) take('broken');
  });
  from.resume();
  return {
    goOn,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
