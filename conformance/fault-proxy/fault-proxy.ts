import { connect, createServer, type Socket } from 'node:net';
import type { FeltWeather } from './edge-weather.js';
import { flow } from './flow.js';

/** A TCP proxy in front of one address, on loopback. */
export interface FaultProxy {
  readonly address: string;
  readonly port: number;
  /** Resets all connections and listens no more. */
  close(): Promise<void>;
}

/** Where a proxy leads and what its connections go through. */
export interface FaultProxyOptions {
  readonly upstream: { readonly address: string; readonly port: number };
  /** Of the edge; several proxies may share one. */
  readonly weather: FeltWeather;
  /** Where to listen; 0 for any free port. Default 0. */
  readonly port?: number;
}

/** An answer shorter than this may be housekeeping of HTTP/2 inside TLS (a ping's 17 bytes, a window's 13). In bytes. */
const leastAnswerBytes = 100;

const loopback = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/;

/** Opens a proxy. @throws RangeError for an upstream that is not on loopback. */
export async function openFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { upstream, weather, port = 0 } = options;
  if (!loopback.test(upstream.address))
    throw new RangeError(`a fault proxy leads to loopback only, not to ${upstream.address}`);
  const open = new Set<() => void>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (caller) => {
    const end = carry(caller, upstream, weather, () => open.delete(end));
    open.add(end);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    address: '127.0.0.1',
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const end of [...open]) end();
      }),
  };
}

/** Carries one connection through the weather; the returned function resets both ends of it. */
function carry(
  caller: Socket,
  upstream: FaultProxyOptions['upstream'],
  weather: FeltWeather,
  onEnd: () => void,
): () => void {
  let callee: Socket | undefined;
  let over = false;
  /** What came back since the reply was lost; undefined while replies pass. */
  let lostBytes: number | undefined;
  const stops: (() => void)[] = [];
  const reset = () => {
    if (over) return;
    over = true;
    for (const stop of stops) stop();
    caller.resetAndDestroy();
    callee?.resetAndDestroy();
    onEnd();
  };

  /** What of these bytes passes. */
  const pass = (direction: 'up' | 'down', bytes: Buffer): Buffer | undefined => {
    if (direction === 'down' && lostBytes !== undefined) {
      lostBytes += bytes.length;
      if (lostBytes >= leastAnswerBytes) reset();
      return undefined;
    }
    // A message is more than housekeeping, whichever way it goes.
    const mishap = bytes.length >= leastAnswerBytes ? weather.takeMishap() : undefined;
    switch (mishap) {
      case undefined:
        return bytes;
      case 'reset mid-message':
        setImmediate(reset);
        return bytes.subarray(0, bytes.length / 2);
      case 'drop the reply':
        // A reply that goes by just now is the one.
        lostBytes = 0;
        return direction === 'up' ? bytes : pass('down', bytes);
      default:
        return mishap satisfies never;
    }
  };

  const begin = () => {
    if (over || callee !== undefined || weather.isCut('up') || weather.isRefusing()) return;
    callee = connect({ host: upstream.address, port: upstream.port, allowHalfOpen: true, noDelay: true });
    callee.on('error', reset);
    callee.once('connect', () => {
      if (over || callee === undefined) return;
      const ends = { up: false, down: false };
      const done = (direction: 'up' | 'down') => {
        ends[direction] = true;
        if (!ends.up || !ends.down || over) return;
        over = true;
        for (const stop of stops) stop();
        onEnd();
      };
      const each = (direction: 'up' | 'down', from: Socket, to: Socket) =>
        flow({
          from,
          to,
          delayMs: weather.delayMs,
          isHeld: () => weather.isCut(direction),
          pass: (bytes) => pass(direction, bytes),
          onEnd: () => done(direction),
          onBroken: reset,
        });
      const flows = [each('up', caller, callee), each('down', callee, caller)];
      stops.push(...flows.map(({ stop }) => stop));
      stops.push(
        weather.onChange(() => {
          for (const { goOn } of flows) goOn();
        }),
      );
    });
  };
  caller.on('error', () => {
    if (callee === undefined) reset();
  });
  stops.push(
    weather.onChange(begin),
    weather.onChange(() => weather.isRefusing() && reset()),
  );
  if (weather.isRefusing()) setImmediate(reset);
  else begin();
  return reset;
}
