import type { SeededRandom } from './seeded-random.js';

/** What happens to one message. */
export interface Fate {
  readonly delayMs: number;
  /** It never arrives, and nobody is told. */
  readonly lost: boolean;
  /** It never arrives, and the sender is told. */
  readonly refused: boolean;
  /** It arrives and is handled; the answer never comes. */
  readonly replyLost: boolean;
  /** Whether the sender hears that its peer is gone. */
  readonly brokenIsHeard: boolean;
  /** Whether it arrives although its sender has given up meanwhile: it was on its way. */
  readonly arrivesGivenUp: boolean;
  /** When copies of it arrive, each from now. */
  readonly copiesAfterMs: readonly number[];
}

/** What may befall the next message that takes a link. */
export type Mishap = 'lose' | 'lose reply' | 'double' | 'double late';

/** How likely things are while no nemesis is at work. Each a share of all messages. */
export interface Noise {
  readonly lost: number;
  readonly replyLost: number;
  readonly doubled: number;
  readonly slow: number;
}

/** The state of all links. A link has a direction; `*` stands for every end. */
export interface LinkWeather {
  fateOf(from: string, to: string): Fate;
  latencyMs(from: string, to: string): number;
  /** True while nothing gets from one end to the other. */
  isCut(from: string, to: string): boolean;
  /** Nothing passes until that moment. @param silently the sender hears nothing; else its connection is refused. */
  cut(from: string, to: string, untilMs: number, silently: boolean): void;
  /** Every message takes this much longer until that moment. */
  slow(from: string, to: string, extraMs: number, untilMs: number): void;
  /** Befalls the next message on the link. Both ends are roles: `order`, not `order-1`. */
  plan(from: string, to: string, mishap: Mishap): void;
  /** How likely mishaps are that nobody has planned. Fair at first. */
  disturb(noise: Noise): void;
  /** Everything is fair from now on. */
  clear(): void;
}

interface Condition {
  readonly from: string;
  readonly to: string;
  readonly untilMs: number;
  readonly silently?: boolean;
  readonly extraMs?: number;
}

const fairWeather: Noise = { lost: 0, replyLost: 0, doubled: 0, slow: 0 };

/** Makes the weather. @param nowMs virtual time. */
export function createLinkWeather(random: SeededRandom, nowMs: () => number): LinkWeather {
  let noise = fairWeather;
  let cuts: Condition[] = [];
  let slow: Condition[] = [];
  /** Mishaps to come by link, oldest first. */
  const planned = new Map<string, Mishap[]>();
  const at = (one: { from: string; to: string }, from: string, to: string) =>
    (one.from === '*' || from.startsWith(one.from)) && (one.to === '*' || to.startsWith(one.to));
  const current = (conditions: Condition[]) => {
    const now = nowMs();
    return conditions.some(({ untilMs }) => untilMs <= now)
      ? conditions.filter(({ untilMs }) => untilMs > now)
      : conditions;
  };
  const cutOf = (from: string, to: string) => {
    if (cuts.length === 0) return undefined;
    cuts = current(cuts);
    return cuts.find((cut) => at(cut, from, to));
  };
  const latencyMs = (from: string, to: string) => {
    const usualMs = 0.1 + 1.5 * random.next();
    if (slow.length === 0) return usualMs;
    slow = current(slow);
    return slow.filter((one) => at(one, from, to)).reduce((sum, one) => sum + (one.extraMs ?? 0), usualMs);
  };
  const takePlanned = (from: string, to: string): Mishap | undefined =>
    planned.size === 0 ? undefined : planned.get(`${roleOf(from)} ${roleOf(to)}`)?.shift();
  return {
    latencyMs,
    isCut: (from, to) => cutOf(from, to) !== undefined,
    fateOf: (from, to) => {
      const cut = cutOf(from, to);
      const mishap = takePlanned(from, to);
      const draw = random.next();
      const noisy = (low: number, share: number) => draw >= low && draw < low + share;
      const { lost, replyLost, doubled } = noise;
      const delayMs = latencyMs(from, to) + (random.chance(noise.slow) ? random.between(10, 1_500) : 0);
      const copiesAfterMs =
        mishap === 'double' || noisy(lost + replyLost, doubled)
          ? [delayMs + random.between(0, 50)]
          : mishap === 'double late'
            ? [random.between(2_000, 90_000)]
            : [];
      return {
        delayMs,
        lost: cut?.silently === true || mishap === 'lose' || noisy(0, lost),
        refused: cut !== undefined && cut.silently !== true,
        replyLost: mishap === 'lose reply' || noisy(lost, replyLost),
        brokenIsHeard: random.chance(0.7),
        arrivesGivenUp: random.chance(0.5),
        copiesAfterMs,
      };
    },
    cut: (from, to, untilMs, silently) => void cuts.push({ from, to, untilMs, silently }),
    slow: (from, to, extraMs, untilMs) => void slow.push({ from, to, extraMs, untilMs }),
    disturb: (how) => {
      noise = how;
    },
    plan: (from, to, mishap) => {
      const link = `${from} ${to}`;
      planned.set(link, [...(planned.get(link) ?? []), mishap]);
    },
    clear: () => {
      cuts = [];
      slow = [];
      planned.clear();
      noise = fairWeather;
    },
  };
}

/** `order` of `order-2`. */
function roleOf(end: string): string {
  const dash = end.indexOf('-');
  return dash < 0 ? end : end.slice(0, dash);
}
