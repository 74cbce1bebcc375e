import { MeshError } from '../../mesh/contract/error.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { StoreConflict } from '../../mesh/store/store.js';
import { parseTraceparent } from '../../mesh/telemetry/trace-context.js';
import { decide } from './decide.js';
import { nextStep } from './next-step.js';
import { batchOf, loadSaga } from './order-store.js';
import type { Participants } from './participants.js';
import type { OrderSaga } from './state.js';

/** Takes orders to their end. */
export interface SagaRunner {
  /** Goes on with an order soon; nothing happens when it is under way. */
  wake(orderId: string): void;
  /**
   * Resolves when something was written here about the order, or after `withinMs`, but after 500 ms at most: another
   * instance of the service may have written, and nobody tells. Whoever waits looks into the store and waits again.
   */
  changed(orderId: string, withinMs: number, signal: AbortSignal): Promise<void>;
  /** Tells those who wait that something was written about the order. */
  notify(orderId: string): void;
  /** Whether as many orders wait for their turn as are under way: no new ones should be taken on. */
  isBehind(): boolean;
  /** Takes no more steps, and resolves when those under way have ended. */
  stop(): Promise<void>;
}

export interface SagaOptions {
  readonly ports: ServicePorts;
  readonly participants: Participants;
  readonly ordersAtOnce: number;
}

const stepWithinMs = 10_000;
const retryBaseDelayMs = 50;
const retryMaxDelayMs = 2_000;
const pollEveryMs = 500;

/**
 * The process manager: load, find the step that is due, ask, decide, commit with the version that was decided on, again.
 * All that it must remember is in the stream, so that it can be killed at any moment.
 */
export function createSaga(options: SagaOptions): SagaRunner {
  const { ports, participants, ordersAtOnce } = options;
  const { store, clock, timers, random, log } = ports;
  const running = new Map<string, Promise<void>>();
  const waiting = new Set<string>();
  const again = new Set<string>();
  const failures = new Map<string, number>();
  /** The one retry that an order waits for, if any; its value cancels the timer. */
  const retries = new Map<string, () => void>();
  const listeners = new Map<string, Set<() => void>>();
  let stopped = false;

  /**
   * Takes the next step of an order. Gives the order after it, or that it must be loaded again, or nothing when it has ended.
   * @param known the order as the step before has left it; whoever writes in between is met at the commit.
   * @throws whatever says that the step is not known to be done, or only half.
   */
  const step = async (
    orderId: string,
    known: OrderSaga | undefined,
  ): Promise<OrderSaga | 'changed' | undefined> => {
    const saga = known ?? (await loadSaga(store, orderId));
    const due = saga === undefined ? undefined : nextStep(saga);
    if (saga === undefined || due === undefined) return undefined;
    const parent = parseTraceparent(saga.traceparent);
    const span = ports.tracer.start({
      name: `saga ${due}`,
      kind: 'internal',
      parent,
      attributes: { 'meshmart.order.id': orderId },
    });
    let undone: unknown;
    try {
      const outcome = await ports.background({ deadlineMs: stepWithinMs, priority: 'critical' }, (context) =>
        participants(saga, due, { ...context, trace: span.context }),
      );
      const { batch, after } = batchOf(saga, decide(saga, outcome), clock);
      await store.commit({ ...batch, trace: span.context });
      span.end();
      notify(orderId);
      undone = outcome.step === 'settle' ? outcome.undone : undefined;
      if (undone === undefined) return after.final ? undefined : after;
    } catch (error) {
      if (error instanceof StoreConflict) {
        // Somebody wrote in between (a cancellation, another instance): what to do is decided anew.
        span.addEvent('conflict');
        span.end();
        notify(orderId);
        return 'changed';
      }
      span.end(MeshError.from(error).code);
      throw error;
    }
    // Half of the step is noted. The other half is no more urgent than a whole one that failed: it waits its time.
    throw undone;
  };

  const advance = async (orderId: string): Promise<void> => {
    try {
      let known: OrderSaga | undefined;
      while (!stopped) {
        const next = await step(orderId, known);
        if (next === undefined) break;
        failures.delete(orderId);
        known = next === 'changed' ? undefined : next;
      }
      failures.delete(orderId);
    } catch (error) {
      if (stopped) return;
      const count = (failures.get(orderId) ?? 0) + 1;
      failures.set(orderId, count);
      const { code, reason, message } = MeshError.from(error);
      log.warn(
        { order_id: orderId, failures: count, code, reason, problem: message, cause: causeOf(error) },
        'a step of an order is not known to be done: it is asked for again',
      );
      const ceilingMs = Math.min(retryMaxDelayMs, retryBaseDelayMs * 2 ** Math.min(count - 1, 20));
      retries.set(
        orderId,
        timers.after(ceilingMs * (0.5 + random.next() / 2), () => wake(orderId)),
      );
    }
  };

  const wake = (orderId: string): void => {
    if (stopped) return;
    if (running.has(orderId)) {
      again.add(orderId);
      return;
    }
    if (running.size >= ordersAtOnce) {
      waiting.add(orderId);
      return;
    }
    // Whoever woke it, this is its next try: a second timer beside it would never end.
    retries.get(orderId)?.();
    retries.delete(orderId);
    const work = advance(orderId).finally(() => {
      running.delete(orderId);
      if (again.delete(orderId)) wake(orderId);
      const [next] = waiting;
      if (next !== undefined) {
        waiting.delete(next);
        wake(next);
      }
    });
    running.set(orderId, work);
  };

  const notify = (orderId: string): void => {
    for (const listener of [...(listeners.get(orderId) ?? [])]) listener();
  };

  return {
    wake,
    notify,
    isBehind: () => waiting.size >= ordersAtOnce,
    changed: (orderId, withinMs, signal) =>
      new Promise((resolve) => {
        const set = listeners.get(orderId) ?? new Set();
        listeners.set(orderId, set);
        const done = () => {
          cancel();
          signal.removeEventListener('abort', done);
          set.delete(done);
          if (set.size === 0) listeners.delete(orderId);
          resolve();
        };
        const cancel = timers.after(Math.min(withinMs, pollEveryMs), done);
        signal.addEventListener('abort', done, { once: true });
        set.add(done);
      }),
    stop: async () => {
      stopped = true;
      for (const cancel of retries.values()) cancel();
      await Promise.allSettled([...running.values()]);
    },
  };
}

/** What is behind an error, for whoever reads the log; clients never see it. */
function causeOf(error: unknown): string | undefined {
  const { cause } = error as { cause?: unknown };
  return cause === undefined ? undefined : String(cause);
}
