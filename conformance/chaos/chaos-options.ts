import type { SharedBus } from '../../mesh/bus/shared-bus.js';
import type { Environment } from '../../mesh/runtime/setting.js';
import type { StoreKind } from '../../mesh/shape/processes/service-store.js';

/** What one run of chaos is made of. */
export interface ChaosOptions {
  readonly seed: number;
  /** Purchases, those of the flash sale included. */
  readonly orders: number;
  readonly faults: number;
  /** Events that are delivered again, half of them late. */
  readonly duplicates: number;
  readonly store: StoreKind;
  readonly bus: SharedBus;
  /** Purchases that arrive in a second. */
  readonly ratePerSecond: number;
  /** How long the run may take, starts and witnesses included, in milliseconds. */
  readonly withinMs: number;
  /** `order=2` and the like. */
  readonly scale: readonly string[];
  /** An empty folder: what the run leaves is there, the evidence above all. */
  readonly folder: string;
  readonly environment: Environment;
  /** Breaks the run off. */
  readonly signal: AbortSignal;
  /** Told how far it is: one line. */
  tell(line: string): void;
}
