import type { Clock } from '../runtime/ports.js';
import { type Store, StoreConflict } from './store.js';

/** What a lease is made with. */
export interface LeaseOptions {
  readonly store: Store;
  /** What it is for, such as `outbox`. */
  readonly name: string;
  /** Who wants it: unique among all processes, such as `order-1.2`. */
  readonly holder: string;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** How long it is held without a renewal, in milliseconds: so long others wait for a holder that died. */
  readonly lastsMs: number;
}

/**
 * The right to do something alone, among the instances of a service that share a database. It is a row that expires,
 * so it survives nobody; and it is no lock: a holder that is stopped for longer than the lease lasts does not notice
 * that it is another's now. What it guards must bear being done twice.
 */
export interface Lease {
  /** Takes or renews it; false while another holds it. Writes only when half of it is over. */
  hold(): Promise<boolean>;
  /** Gives it back, if it is ours. */
  release(): Promise<void>;
}

/** Makes a lease kept in a service's database, in the table `mesh_leases`. Nothing is written before `hold`. */
export function leaseIn(options: LeaseOptions): Lease {
  const { store, name, holder, clock, lastsMs } = options;
  let expiresAtMs = Number.NEGATIVE_INFINITY;
  return {
    hold: async () => {
      const nowMs = clock.nowMs();
      if (expiresAtMs - nowMs > lastsMs / 2 && expiresAtMs - nowMs <= lastsMs) return true;
      try {
        // One that lasts longer than any can was written before the machine's clock was set back.
        await store.commit({
          statements: [
            {
              sql: `INSERT INTO mesh_leases (name, holder, expires_at_ms) VALUES (?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at_ms = excluded.expires_at_ms
                WHERE mesh_leases.holder = excluded.holder OR mesh_leases.expires_at_ms <= ?
                  OR mesh_leases.expires_at_ms > excluded.expires_at_ms`,
              values: [name, holder, nowMs + lastsMs, nowMs],
              changes: 1,
              guard: 'lease',
            },
          ],
        });
      } catch (error) {
        expiresAtMs = Number.NEGATIVE_INFINITY;
        if (error instanceof StoreConflict) return false;
        throw error;
      }
      expiresAtMs = nowMs + lastsMs;
      return true;
    },
    release: async () => {
      if (expiresAtMs === Number.NEGATIVE_INFINITY) return;
      expiresAtMs = Number.NEGATIVE_INFINITY;
      await store.commit({
        statements: [
          { sql: 'DELETE FROM mesh_leases WHERE name = ? AND holder = ?', values: [name, holder] },
        ],
      });
    },
  };
}
