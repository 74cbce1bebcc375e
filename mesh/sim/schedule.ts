import { eventHeap } from './event-heap.js';

/** Virtual time: nothing takes any, and whatever waits comes in the order of its moment. */
export interface Schedule {
  /** Virtual milliseconds since the start. */
  nowMs(): number;
  /** Runs a task `delayMs` from now, after all that was planned for the same moment before. Returns what cancels it. */
  after(delayMs: number, task: () => void): () => void;
  /**
   * Runs what is planned, one task at a time, each until nothing of what it set off can go on by itself.
   * Ends when `done()` holds, when nothing is planned, or at `untilMs`.
   * @throws whatever a task throws.
   */
  run(options: { readonly untilMs: number; done(): boolean }): Promise<void>;
  /**
   * Runs what is planned until a piece of work is done, and gives what it came to.
   * @throws Error when it is not done within this virtual time. Default: two minutes.
   */
  complete<T>(work: Promise<T>, withinMs?: number): Promise<T>;
  /** Tasks that have run so far. */
  ran(): number;
}

/** How many tasks run before the real event loop has a turn: garbage collection callbacks, signals. */
const tasksPerTurn = 512;

/**
 * Makes a schedule. The code under simulation waits for promises only, never for the machine, so between two tasks it is
 * enough to let the microtasks run out.
 */
export function createSchedule(): Schedule {
  const heap = eventHeap();
  let nowMs = 0;
  let ran = 0;
  const schedule: Schedule = {
    nowMs: () => nowMs,
    after: (delayMs, task) => heap.add(nowMs + Math.max(0, delayMs), task),
    ran: () => ran,
    run: ({ untilMs, done }) =>
      new Promise((resolve, reject) => {
        const turn = () => {
          try {
            if (done()) return resolve();
            const event = heap.take(untilMs);
            if (event === undefined) {
              nowMs = Number.isFinite(untilMs) ? Math.max(nowMs, untilMs) : nowMs;
              return resolve();
            }
            nowMs = event.atMs;
            ran += 1;
            event.task();
          } catch (error) {
            return reject(error);
          }
          // A tick that is planned by a microtask comes when the queue of microtasks is empty: what the task set off is over.
          if (ran % tasksPerTurn === 0) setImmediate(turn);
          else queueMicrotask(planTurn);
        };
        const planTurn = () => process.nextTick(turn);
        // What was set off before has its first turn: it may plan something.
        queueMicrotask(planTurn);
      }),
    complete: async (work, withinMs = 120_000) => {
      let over = false;
      const end = () => {
        over = true;
      };
      work.then(end, end);
      await schedule.run({ untilMs: nowMs + withinMs, done: () => over });
      if (!over) throw new Error(`what was waited for was not done in ${withinMs} ms of virtual time`);
      return work;
    },
  };
  return schedule;
}
