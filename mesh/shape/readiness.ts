import type { Readiness, ServiceHealth } from '../runtime/edge.js';
import type { HostedService } from '../runtime/host.js';
import type { Ambient, Timers } from '../runtime/ports.js';

/** How the services of this process are, asked anew when the last answer is older than a second. */
export interface ReadinessWatch {
  current(): Promise<Readiness>;
  /** The last answer, without asking. */
  last(): Readiness;
  onChange(listener: () => void): () => void;
  /** From now on nothing is ready: the process stops. */
  notServing(): void;
  stop(): void;
}

const staleAfterMs = 1_000;
const checkWithinMs = 2_000;

/** Watches readiness; listeners are told when a service's health changes. */
export function createReadinessWatch(ambient: Ambient, check: () => Promise<Readiness>): ReadinessWatch {
  const { clock, timers } = ambient;
  const listeners = new Set<() => void>();
  let last: Readiness = { ready: false, services: [] };
  let askedMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<Readiness> | undefined;
  let stopping = false;
  let cancel: () => void = () => undefined;

  const set = (next: Readiness) => {
    const changed = JSON.stringify(next) !== JSON.stringify(last);
    last = next;
    if (changed) for (const listener of listeners) listener();
  };
  const current = (): Promise<Readiness> => {
    if (stopping || clock.monotonicMs() - askedMs < staleAfterMs) return Promise.resolve(last);
    asking ??= check()
      .then((next) => {
        askedMs = clock.monotonicMs();
        if (!stopping) set(next);
        return last;
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  const again = () => {
    cancel = timers.after(staleAfterMs, () => {
      // One that fails is asked again like any other; whoever asks by name is told of the failure.
      if (listeners.size > 0) current().catch(() => undefined);
      again();
    });
  };
  again();
  return {
    current,
    last: () => last,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    notServing: () => {
      stopping = true;
      set({
        ready: false,
        services: last.services.map((service) => ({ ...service, serving: false, problem: 'is stopping' })),
      });
    },
    stop: () => {
      stopping = true;
      cancel();
    },
  };
}

/** Asks each service whether it can do its work; ready means that every required one can. */
export async function checkReadiness(hosted: readonly HostedService[], timers: Timers): Promise<Readiness> {
  const services = await Promise.all(
    hosted.map(async (service): Promise<ServiceHealth> => {
      const { name, criticality } = service.manifest;
      try {
        await within(service.check(), checkWithinMs, timers);
        return { name, criticality, serving: true, problem: undefined };
      } catch (error) {
        return {
          name,
          criticality,
          serving: false,
          problem: error instanceof Error ? error.message : 'unknown',
        };
      }
    }),
  );
  return {
    ready: services.every((service) => service.serving || service.criticality === 'optional'),
    services,
  };
}

async function within(work: Promise<void>, ms: number, timers: Timers): Promise<void> {
  let cancel: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = timers.after(ms, () => reject(new Error(`did not answer its check within ${ms} ms`)));
  });
  try {
    await Promise.race([work, late]);
  } finally {
    cancel();
  }
}
