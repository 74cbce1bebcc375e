import type { Ambient, Log } from '../../runtime/ports.js';
import { StartupError } from '../../runtime/startup-error.js';
import type { FromInstance, InstanceAddresses } from './channel.js';
import type { InstanceProcess } from './instance-process.js';
import type { PlannedInstance } from './plan.js';
import { afterCrash, type CrashHistory, noCrashes } from './restart-policy.js';

/** How a supervisor starts processes and tells of them. */
export interface SupervisorOptions {
  readonly ambient: Ambient;
  readonly log: Log;
  /** Starts one process; the id is new each time. */
  start(planned: PlannedInstance, id: string): InstanceProcess;
  /** Told of what people should know: a crash, a restart. One line. */
  tell(line: string): void;
  /** Told of a process that is gone without having said goodbye, so that its registration can be taken away. */
  onCrash(id: string): void;
}

/** How an instance is, for `meshmart status`. */
export interface InstanceStatus {
  readonly service: string;
  readonly id: string;
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'not serving' | 'waiting to restart';
  readonly problem: string | undefined;
  readonly restarts: number;
  readonly addresses: InstanceAddresses | undefined;
}

/** Keeps a set of instances running. */
export interface Supervisor {
  /** Resolves when every instance listens. @throws StartupError with the reason of the first that could not start. */
  start(planned: readonly PlannedInstance[], withinMs: number): Promise<void>;
  status(): readonly InstanceStatus[];
  /** Stops the instances of the services in `order` one group after the other; by force what takes longer than `graceMs`. */
  stop(order: readonly (readonly string[])[], graceMs: number): Promise<void>;
}

/** The place of an instance in the plan, whatever process fills it. */
interface Slot {
  readonly planned: PlannedInstance;
  generation: number;
  restarts: number;
  crashes: CrashHistory;
  current: Occupant | undefined;
  /** A process that was asked to stop by somebody else, until its replacement serves. */
  readonly leaving: Set<Occupant>;
  cancelRestart: (() => void) | undefined;
}

interface Occupant {
  readonly id: string;
  readonly process: InstanceProcess;
  readonly startedMs: number;
  readonly gone: Promise<void>;
  addresses: InstanceAddresses | undefined;
  serving: boolean;
  problem: string | undefined;
  failure: string | undefined;
  over: boolean;
}

/** Starts processes, starts them again when they end without having been asked, replaces those that are asked to leave. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { ambient, log } = options;
  const slots: Slot[] = [];
  const listeners = new Set<() => void>();
  let stopping = false;
  const changed = () => {
    for (const listener of [...listeners]) listener();
  };

  const occupy = (slot: Slot) => {
    slot.generation += 1;
    slot.cancelRestart = undefined;
    const id = `${slot.planned.service}-${slot.planned.number}.${slot.generation}`;
    const process = options.start(slot.planned, id);
    let left: () => void = () => undefined;
    const occupant: Occupant = {
      id,
      process,
      startedMs: ambient.clock.monotonicMs(),
      gone: new Promise((resolve) => {
        left = resolve;
      }),
      addresses: undefined,
      serving: false,
      problem: undefined,
      failure: undefined,
      over: false,
    };
    slot.current = occupant;
    process.onMessage((message) => {
      heard(slot, occupant, message);
      changed();
    });
    process.onExit((exit) => {
      occupant.over = true;
      ended(slot, occupant, exit);
      left();
      changed();
    });
  };

  const heard = (slot: Slot, occupant: Occupant, message: FromInstance) => {
    switch (message.kind) {
      case 'listening':
        occupant.addresses = message.addresses;
        for (const old of slot.leaving) old.process.tell({ kind: 'replaced' });
        return;
      case 'health':
        occupant.serving = message.health.serving;
        occupant.problem = message.health.problem;
        return;
      case 'failed':
        occupant.failure = message.line;
        return;
      case 'leaving':
        if (stopping || slot.current !== occupant) return;
        options.tell(`${occupant.id} was asked to stop: another takes its place`);
        slot.leaving.add(occupant);
        occupy(slot);
        return;
      default:
        return message satisfies never;
    }
  };

  const ended = (
    slot: Slot,
    occupant: Occupant,
    exit: { code: number | null; signal: string | null; complaint: string },
  ) => {
    const replaced = slot.leaving.delete(occupant);
    if (stopping || replaced || slot.current !== occupant) return;
    options.onCrash(occupant.id);
    const decided = afterCrash(slot.crashes, ambient.clock.monotonicMs() - occupant.startedMs);
    slot.crashes = decided.history;
    slot.restarts += 1;
    const how = exit.signal === null ? `exit code ${exit.code}` : exit.signal;
    const why = occupant.failure ?? exit.complaint.split('\n')[0] ?? '';
    log.error(
      { instance: occupant.id, pid: occupant.process.pid, how, complaint: exit.complaint },
      'an instance ended',
    );
    options.tell(
      `${occupant.id} ended (${how}${why === '' ? '' : `: ${why}`}); it starts again in ${decided.delayMs} ms`,
    );
    slot.cancelRestart = ambient.timers.after(decided.delayMs, () => {
      if (!stopping) occupy(slot);
    });
  };

  const listening = (withinMs: number) =>
    new Promise<void>((resolve, reject) => {
      const done = (outcome: () => void) => {
        listeners.delete(look);
        cancel();
        outcome();
      };
      const look = () => {
        const failed = slots.find((slot) => slot.current?.failure !== undefined);
        const failure = failed?.current?.failure;
        if (failed !== undefined && failure !== undefined) {
          const { service } = failed.planned;
          done(() => reject(new StartupError(`${service} could not start`, failure)));
        } else if (slots.every((slot) => slot.current?.addresses !== undefined)) done(resolve);
      };
      const cancel = ambient.timers.after(withinMs, () => {
        const late = slots.filter((slot) => slot.current?.addresses === undefined);
        const names = late.map((slot) => slot.current?.id).join(', ');
        done(() =>
          reject(new StartupError(`${names} did not listen within ${withinMs} ms`, 'look at <data>/logs/')),
        );
      });
      listeners.add(look);
      look();
    });

  const stopOne = async (occupant: Occupant, graceMs: number) => {
    if (occupant.over) return;
    occupant.process.tell({ kind: 'stop' });
    const cancel = ambient.timers.after(graceMs, () => {
      log.warn({ instance: occupant.id }, 'an instance did not stop in time and is ended by force');
      occupant.process.kill('SIGKILL');
    });
    await occupant.gone;
    cancel();
  };

  return {
    start: (planned, withinMs) => {
      for (const one of planned) {
        const slot: Slot = {
          planned: one,
          generation: 0,
          restarts: 0,
          crashes: noCrashes,
          current: undefined,
          leaving: new Set(),
          cancelRestart: undefined,
        };
        slots.push(slot);
        occupy(slot);
      }
      return listening(withinMs);
    },
    status: () => slots.map(statusOf),
    stop: async (order, graceMs) => {
      stopping = true;
      for (const slot of slots) slot.cancelRestart?.();
      const last = slots
        .map((slot) => slot.planned.service)
        .filter((service) => !order.flat().includes(service));
      for (const group of [...order, last]) {
        const occupants = slots
          .filter((slot) => group.includes(slot.planned.service))
          .flatMap((slot) => [...(slot.current === undefined ? [] : [slot.current]), ...slot.leaving]);
        await Promise.all(occupants.map((occupant) => stopOne(occupant, graceMs)));
      }
    },
  };
}

function statusOf(slot: Slot): InstanceStatus {
  const { current } = slot;
  const state = () => {
    if (current === undefined || current.over) return 'waiting to restart' as const;
    if (current.addresses === undefined) return 'starting' as const;
    return current.serving ? ('serving' as const) : ('not serving' as const);
  };
  return {
    service: slot.planned.service,
    id: current?.id ?? `${slot.planned.service}-${slot.planned.number}`,
    pid: current?.process.pid ?? 0,
    state: state(),
    problem: current?.problem,
    restarts: slot.restarts,
    addresses: current?.addresses,
  };
}
