import { MeshError } from '../contract/error.js';
import { isStream } from '../rpc/stream.js';
import type { Dispatch, Wire, WireRequest, WireResponse } from '../rpc/wire.js';
import type { Life } from './life.js';
import type { LinkWeather } from './link-weather.js';
import type { Schedule } from './schedule.js';
import type { SeededRandom } from './seeded-random.js';

/** A process that answers calls. */
export interface Listener {
  readonly life: Life;
  readonly dispatch: Dispatch;
}

/** The network between simulated processes. */
export interface Network {
  /** The way from a life to a service, whichever of its processes takes the call. */
  wire(from: Life, service: string): Wire;
  /**
   * The way to something that is no service of ours: the bus, the card processor, the mail server. `work` happens over
   * there; it may happen although the answer is lost, and twice when the request is doubled.
   * @param carried `once`: no copies are made of a request, as where one TCP connection leads straight to the far end.
   * @throws Error when there is no answer; then it is not known whether it happened.
   */
  exchange<T>(from: Life, to: string, work: () => T, carried?: 'once' | 'at least once'): Promise<T>;
}

/** What the network is made of. */
export interface NetworkOptions {
  readonly schedule: Schedule;
  readonly random: SeededRandom;
  readonly weather: LinkWeather;
  /** The processes of a service that take calls now. */
  listeners(service: string): readonly Listener[];
  /** Tells of each message, for the trace. */
  note(what: string, from: string, to: string, detail: string): void;
}

/** How long whoever waits for a peer that is gone waits until the connection says so, in milliseconds. */
const silenceMs = 10_000;

/** Makes the network. Messages cross encoded; what the weather does to each is drawn when it leaves. */
export function createNetwork(options: NetworkOptions): Network {
  const { schedule, random, weather, note } = options;

  const deliver = (
    from: Life,
    service: string,
    request: WireRequest,
    answered: (answer: Promise<WireResponse>, receiver: Life) => void,
  ): (() => void) => {
    const ready = options.listeners(service);
    if (ready.length === 0) {
      answered(Promise.reject(unavailable(service)), from);
      return () => undefined;
    }
    const { life, dispatch } = random.pick(ready);
    const cancelled = new AbortController();
    if (isStream(request.body)) throw new Error(`${request.method.path}: streams are not simulated`);
    note('deliver', from.name, life.name, detailOf(request));
    // A deadline crosses as the time that is left, as in gRPC: the clocks of two machines differ.
    const leftMs = request.deadlineMs - from.ambient.clock.nowMs();
    const answer = dispatch({
      ...request,
      body: new Uint8Array(request.body),
      metadata: { ...request.metadata },
      deadlineMs: life.ambient.clock.nowMs() + leftMs,
      signal: cancelled.signal,
      caller: from.service,
      peer: from.name,
    });
    answered(answer, life);
    return () =>
      life.after(weather.latencyMs(from.name, life.service), () => cancelled.abort(gaveUp(request)));
  };

  const call = (from: Life, service: string, request: WireRequest): Promise<WireResponse> =>
    new Promise((resolve, reject) => {
      if (!from.alive()) return;
      const { signal } = request;
      let open = true;
      let cancel: () => void = () => undefined;
      const close = () => {
        open = false;
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        close();
        cancel();
        reject(signal.reason);
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      const fate = weather.fateOf(from.name, service);
      note(fate.lost ? 'lose' : 'send', from.name, service, detailOf(request));
      const back = (settle: () => void, delayMs: number) =>
        from.after(delayMs, () => {
          if (!open) return;
          close();
          settle();
        });
      const answer = (answer: Promise<WireResponse>, receiver: Life) => {
        // A process that dies closes its connections, and whoever waits hears of it; or its machine is gone, and nobody does.
        const forget = receiver.onEnd(() => {
          if (fate.brokenIsHeard) back(() => reject(broken(service)), weather.latencyMs(service, from.name));
        });
        const arrive = (settle: () => void) => {
          forget();
          if (!receiver.alive() || fate.replyLost || weather.isCut(service, from.name)) return;
          back(settle, weather.latencyMs(service, from.name));
        };
        answer.then(
          ({ body, trailers }) => arrive(() => resolve({ body, trailers: { ...trailers } })),
          (error: unknown) => arrive(() => reject(crossed(error))),
        );
      };
      /** Nobody waits for the answer. */
      const deliverUnheard = (what: string) => {
        note(what, from.name, service, detailOf(request));
        deliver(from, service, { ...request, deadlineMs: farDeadline(from) }, (unheard) => {
          unheard.catch(() => undefined);
        });
      };
      if (fate.refused) {
        back(() => reject(unavailable(service)), fate.delayMs);
        return;
      }
      if (!fate.lost)
        schedule.after(fate.delayMs, () => {
          if (open) cancel = deliver(from, service, request, answer);
          else if (fate.arrivesGivenUp) deliverUnheard('given up');
        });
      for (const delayMs of fate.copiesAfterMs) schedule.after(delayMs, () => deliverUnheard('copy'));
    });

  return {
    wire: (from, service) => ({
      call: (request) => call(from, service, request),
      close: () => undefined,
    }),
    exchange: (from, to, work, carried = 'at least once') =>
      new Promise((resolve, reject) => {
        const fate = weather.fateOf(from.name, to);
        note(fate.lost ? 'lose' : 'send', from.name, to, '');
        if (fate.lost || fate.refused) {
          from.after(fate.refused ? fate.delayMs : silenceMs, () =>
            reject(new Error(`${to} can't be reached`)),
          );
          return;
        }
        schedule.after(fate.delayMs, () => {
          let settle: () => void;
          try {
            const result = work();
            if (carried !== 'once') for (const _ of fate.copiesAfterMs) work();
            settle = () => resolve(result);
          } catch (error) {
            settle = () => reject(error);
          }
          if (fate.replyLost || weather.isCut(to, from.name))
            from.after(fate.brokenIsHeard ? 5 : silenceMs, () => reject(new Error(`${to} gave no answer`)));
          else from.after(weather.latencyMs(to, from.name), settle);
        });
      }),
  };
}

/** What comes late is still handled: nobody has told the far end that the call is over. */
function farDeadline(from: Life): number {
  return from.ambient.clock.nowMs() + 10_000;
}

function detailOf({ method, metadata }: WireRequest): string {
  const key = metadata['idempotency-key'];
  return key === undefined ? method.path : `${method.path} ${key}`;
}

/** What crosses the network of an error: the cause stays behind. */
function crossed(error: unknown): MeshError {
  const { code, reason, message, metadata, violations } = MeshError.from(error);
  return new MeshError({ code, reason, message, metadata, violations });
}

function unavailable(service: string): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'UNAVAILABLE',
    message: `no process of ${service} takes calls: try again`,
  });
}

function broken(service: string): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'UNAVAILABLE',
    message: `the connection to ${service} broke: what was asked for may have happened`,
  });
}

function gaveUp({ method }: WireRequest): MeshError {
  return new MeshError({
    code: 'CANCELLED',
    reason: 'CANCELLED',
    message: `the caller of ${method.path} gave up`,
  });
}
