import { MeshError } from '../../mesh/contract/error.js';
import type { Timers } from '../../mesh/runtime/ports.js';
import type { CardProcessor, ProcessorAuthorization } from './card-processor.js';

/** How one request to the processor goes. */
export interface Fate {
  /** When the request takes effect, in milliseconds from now; undefined: never. Default 0. */
  readonly happensAfterMs?: number | undefined;
  /** When its answer comes; undefined: never, and the caller gives up after its timeout. Default: when it took effect. */
  readonly answersAfterMs?: number | undefined;
}

type Request = 'authorize' | 'capture' | 'void' | 'refund' | 'find' | 'get';

/**
 * The worst processor that there may be: it knows no idempotency keys and no states. Each authorization holds the amount
 * once more, each capture takes it once more, and what was given up may still happen later.
 */
export interface ForgetfulProcessor {
  readonly port: CardProcessor;
  /** Fates of the next requests of a kind, in order; after them each is done at once. */
  readonly script: Partial<Record<Request, Fate[]>>;
  /** Requests that were sent, in order. */
  readonly asked: Request[];
  /** How often money was taken. */
  taken(): number;
  /** Ids of what is held. */
  held(): string[];
  stateOf(id: string): ProcessorAuthorization['state'] | undefined;
}

/** A request that is not answered in this time is given up. */
export const processorTimeoutMs = 2_000;

/** Its request is lost before it arrives. */
export const lostBefore: Fate = { happensAfterMs: undefined, answersAfterMs: undefined };
/** It is done, and its answer is lost. */
export const lostAfter: Fate = { happensAfterMs: 0, answersAfterMs: undefined };
/** It is done so much later, long after it was given up. */
export const happensLate = (happensAfterMs: number): Fate => ({ happensAfterMs, answersAfterMs: undefined });

export function forgetfulProcessor(timers: Timers): ForgetfulProcessor {
  const made = new Map<string, ProcessorAuthorization>();
  const script: ForgetfulProcessor['script'] = {};
  const asked: Request[] = [];
  let taken = 0;

  const meet = <T>(request: Request, happen: () => T): Promise<T> => {
    asked.push(request);
    const fate = script[request]?.shift() ?? {};
    const happensAfterMs = 'happensAfterMs' in fate ? fate.happensAfterMs : 0;
    const answersAfterMs = 'answersAfterMs' in fate ? fate.answersAfterMs : happensAfterMs;
    return new Promise((resolve, reject) => {
      const giveUp = timers.after(processorTimeoutMs, () =>
        reject(new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'no answer' })),
      );
      const answer = (value: T) => {
        giveUp();
        resolve(value);
      };
      const atOrNow = (ms: number, task: () => void) => (ms === 0 ? task() : void timers.after(ms, task));
      if (happensAfterMs === undefined) return;
      atOrNow(happensAfterMs, () => {
        const value = happen();
        if (answersAfterMs !== undefined)
          atOrNow(Math.max(0, answersAfterMs - happensAfterMs), () => answer(value));
      });
    });
  };
  const change = (id: string, state: 'captured' | 'voided' | 'refunded'): ProcessorAuthorization => {
    const changed = { id, state };
    made.set(id, changed);
    return changed;
  };
  return {
    script,
    asked,
    taken: () => taken,
    held: () => [...made.values()].filter(({ state }) => state === 'authorized').map(({ id }) => id),
    stateOf: (id) => made.get(id)?.state,
    port: {
      authorize: () =>
        meet('authorize', () => {
          const authorization = { id: `auth_${made.size + 1}`, state: 'authorized' } as const;
          made.set(authorization.id, authorization);
          return authorization;
        }),
      capture: (id) =>
        meet('capture', () => {
          taken += 1;
          return change(id, 'captured');
        }),
      void: (id) => meet('void', () => change(id, 'voided')),
      refund: (id) => meet('refund', () => change(id, 'refunded')),
      find: () => meet('find', () => [...made.values()]),
      get: (id) => meet('get', () => made.get(id) as ProcessorAuthorization),
    },
  };
}
