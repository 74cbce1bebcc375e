/** A task with its moment. */
export interface PlannedEvent {
  readonly atMs: number;
  readonly order: number;
  task: () => void;
  cancelled: boolean;
}

/** Planned tasks, the earliest first; those of one moment in the order of their planning. */
export interface EventHeap {
  /** Returns what cancels it. */
  add(atMs: number, task: () => void): () => void;
  /** Takes the earliest out, or nothing when it is later than `untilMs` or there is none. */
  take(untilMs: number): PlannedEvent | undefined;
}

const nothing = () => undefined;

/** A binary heap. What is cancelled stays until its turn, or until it is more than the rest. */
export function eventHeap(): EventHeap {
  let events: PlannedEvent[] = [];
  let order = 0;
  let cancelled = 0;
  const before = (left: PlannedEvent, right: PlannedEvent) =>
    left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);

  const up = (index: number) => {
    const event = events[index] as PlannedEvent;
    let at = index;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = events[above] as PlannedEvent;
      if (!before(event, parent)) break;
      events[at] = parent;
      at = above;
    }
    events[at] = event;
  };
  const down = (index: number) => {
    const event = events[index] as PlannedEvent;
    let at = index;
    for (;;) {
      let below = 2 * at + 1;
      const left = events[below];
      if (left === undefined) break;
      const right = events[below + 1];
      const child = right !== undefined && before(right, left) ? right : left;
      if (child === right) below += 1;
      if (!before(child, event)) break;
      events[at] = child;
      at = below;
    }
    events[at] = event;
  };
  const takeFirst = (): PlannedEvent | undefined => {
    const [first] = events;
    const last = events.pop();
    if (first === undefined || last === undefined || events.length === 0) return first;
    events[0] = last;
    down(0);
    return first;
  };
  const compact = () => {
    events = events.filter((event) => !event.cancelled).sort((left, right) => (before(left, right) ? -1 : 1));
    cancelled = 0;
  };

  return {
    add: (atMs, task) => {
      order += 1;
      const event: PlannedEvent = { atMs, order, task, cancelled: false };
      events.push(event);
      up(events.length - 1);
      return () => {
        if (event.cancelled) return;
        event.cancelled = true;
        // What it would have held on to is let go at once.
        event.task = nothing;
        cancelled += 1;
        if (cancelled > 256 && cancelled * 2 > events.length) compact();
      };
    },
    take: (untilMs) => {
      for (;;) {
        const [first] = events;
        if (first === undefined || first.atMs > untilMs) return undefined;
        takeFirst();
        if (!first.cancelled) {
          // It ran: cancelling it later must not be counted.
          first.cancelled = true;
          return first;
        }
        cancelled -= 1;
      }
    },
  };
}
