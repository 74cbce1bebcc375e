import type { CallContext } from '../../mesh/rpc/context.js';
import type { Client } from '../../mesh/rpc/definition.js';
import type { ServicePorts, Worker } from '../../mesh/runtime/service.js';
import { StoreConflict } from '../../mesh/store/store.js';
import { type OrderServiceDefinition, Verdict } from '../../proto/gen/meshmart/order/v1/order.js';
import { fateOf, isOverdue, type Wish } from './expiry.js';
import type { Decision, Reservation } from './reservation.js';
import { batchOf } from './reservation-batch.js';
import { overdueOrders, readReservation } from './reservation-record.js';

/** What the sweep needs. */
export interface SweepOptions {
  readonly ports: Pick<ServicePorts, 'store' | 'clock' | 'log'>;
  readonly order: Pick<Client<typeof OrderServiceDefinition>, 'getVerdict'>;
  /** How long pieces stay set aside when order has not decided, in milliseconds. */
  readonly reservationMs: number;
  /** Pause between two sweeps, in milliseconds. */
  readonly everyMs: number;
}

/** Reservations that one run looks at: the rest is there at the next run. */
const batchSize = 50;

/** Asks order about reservations whose time is over, and gives back the pieces that nobody waits for. */
export function expirySweep({ ports, order, reservationMs, everyMs }: SweepOptions): Worker {
  const { store, clock, log } = ports;

  const settle = async (orderId: string, wish: Wish, context: CallContext): Promise<void> => {
    const nowMs = clock.nowMs();
    const { reservation, version } = await readReservation(store, orderId, context.trace);
    // Order may have sold or released it while it was asked.
    if (reservation === undefined || !isOverdue(reservation, nowMs)) return;
    const decision = afterwards(reservation, wish, nowMs, reservationMs);
    try {
      await store.commit(batchOf(decision, version, nowMs, context.trace));
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
    }
  };

  return {
    name: 'inventory expiry',
    everyMs,
    run: async (context) => {
      for (const orderId of await overdueOrders(store, clock.nowMs(), batchSize)) {
        context.signal.throwIfAborted();
        let wish: Wish;
        try {
          wish = wishOf((await order.getVerdict({ orderId }, context)).verdict);
        } catch (error) {
          // One order that can't be asked about is like all others: keep everything and come again.
          log.warn({ orderId, error: String(error) }, 'order gave no verdict: reserved pieces stay reserved');
          return;
        }
        if (wish === 'abandoned' || wish === 'unknown') log.info({ orderId, wish }, 'reservation expired');
        await settle(orderId, wish, context);
      }
    },
  };
}

function afterwards(reservation: Reservation, wish: Wish, nowMs: number, reservationMs: number): Decision {
  const fate = fateOf(wish, nowMs, reservationMs);
  switch (fate.kind) {
    case 'keep':
      return { reservation, changed: false };
    case 'extend':
      return { reservation: { ...reservation, expiresAtMs: fate.expiresAtMs }, changed: true };
    case 'expire':
      return {
        reservation: { ...reservation, state: 'expired' },
        changed: true,
        movement: 'reserved>available',
      };
    default:
      return fate satisfies never;
  }
}

/** A verdict that this version does not know counts as silence. */
function wishOf(verdict: Verdict): Wish {
  switch (verdict) {
    case Verdict.VERDICT_PENDING:
      return 'pending';
    case Verdict.VERDICT_CONFIRMED:
      return 'confirmed';
    case Verdict.VERDICT_ABANDONED:
      return 'abandoned';
    case Verdict.VERDICT_UNKNOWN:
      return 'unknown';
    default:
      return 'silent';
  }
}
