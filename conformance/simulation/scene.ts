import type { FaultKind, Link } from './nemesis.js';

/** What the buyers of a run do, and what they want. */
export interface Scene {
  /** How often two calls with one key are on their way at once. */
  readonly doubleClicks: number;
  /** How often a buyer wants to cancel as soon as there is an order. */
  readonly cancellations: number;
  /** How long a buyer tries, in virtual milliseconds; as long it is waited for buyers after all faults are healed. */
  readonly patienceMs: number;
  /** Ids of the products that are bought, each as likely as any other. Default: all that the shop has. */
  readonly products?: readonly string[];
  /** How likely faults of these kinds are, instead of what is usual; see nemesis.ts. */
  readonly faultWeights?: Readonly<Partial<Record<FaultKind, number>>>;
  /** Links that faults strike. Default: all. */
  readonly links?: readonly Link[];
  /** Settings of services by environment name, besides those of every run. */
  settings?(seed: number): Readonly<Record<string, string>>;
}

/** Buyers as most are. */
export const everydayScene: Scene = { doubleClicks: 0.05, cancellations: 0.04, patienceMs: 600_000 };

/**
 * Buyers who click twice, and change their minds while the order is under way; they want what there are few of, which is
 * set aside for half a second only on every third seed. Faults strike where stock, money and events pass, and messages are
 * slow more often than they are anything else, so that they overtake each other.
 */
export const hastyScene: Scene = {
  doubleClicks: 0.2,
  cancellations: 0.3,
  // A bug that keeps orders from their end is told soon.
  patienceMs: 90_000,
  products: [
    'prd_pocket-sundial',
    'prd_copper-kettle',
    'prd_brass-pen',
    'prd_quiet-clock',
    'prd_stoneware-mug',
    'prd_field-notebook',
  ],
  links: [
    ['order', 'inventory'],
    ['order', 'payment'],
    ['payment', 'processor'],
    ['gateway', 'cart'],
    ['bus', 'notification'],
  ],
  faultWeights: { 'slow link': 40, 'poison message': 2, 'expiry passes': 0.3 },
  settings: (seed) => ({
    ORDER_ANSWER_WITHIN_MS: '20',
    ...(seed % 3 === 1 ? { INVENTORY_RESERVATION_SECONDS: '0.5', INVENTORY_SWEEP_SECONDS: '0.5' } : {}),
  }),
};
