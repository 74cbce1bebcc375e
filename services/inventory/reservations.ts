import type { CallContext } from '../../mesh/rpc/context.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { decideAgain } from '../../mesh/store/decide-again.js';
import { answerOnce, type ResponseCodec } from '../../mesh/store/idempotent.js';
import {
  CommitResponse,
  type InventoryServiceDefinition,
  ReleaseResponse,
  type Reservation as ReservationMessage,
  ReserveResponse,
} from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import { type Decision, decideCommit, decideRelease, decideReserve, mergeLines } from './reservation.js';
import { batchOf, readAvailable } from './reservation-batch.js';
import { messageOf, type ReservationRecord, readReservation } from './reservation-record.js';

type Reserving = Pick<Handlers<typeof InventoryServiceDefinition>, 'reserve' | 'commit' | 'release'>;

/** What the handlers of reservations need. */
export type ReservationPorts = Pick<ServicePorts, 'store' | 'clock' | 'ids'>;

/**
 * Reserve, Commit and Release, for order.
 * @param reservationMs how long pieces are set aside when the request does not say.
 */
export function reservationHandlers(ports: ReservationPorts, reservationMs: number): Reserving {
  const { store, clock, ids } = ports;
  return {
    reserve: ({ orderId, lines: asked, expiresIn }, context) => {
      const lines = mergeLines(asked);
      const holdMs =
        expiresIn === undefined ? reservationMs : Number(expiresIn.seconds) * 1_000 + expiresIn.nanos / 1e6;
      return carryOut(ports, orderId, context, ReserveResponse, async ({ reservation }) => {
        const wanted = { id: ids('res'), orderId, lines, expiresAtMs: Math.ceil(clock.nowMs() + holdMs) };
        return decideReserve(reservation, wanted, await readAvailable(store, lines, context.trace));
      });
    },

    commit: ({ orderId }, context) =>
      carryOut(ports, orderId, context, CommitResponse, async ({ reservation }) =>
        decideCommit(
          reservation,
          orderId,
          await readAvailable(store, reservation?.lines ?? [], context.trace),
        ),
      ),

    release: ({ orderId }, context) =>
      carryOut(ports, orderId, context, ReleaseResponse, async ({ reservation }) =>
        decideRelease(reservation, { id: ids('res'), orderId, expiresAtMs: clock.nowMs() }),
      ),
  };
}

/** Loads, decides and commits, once for a command and again after a lost race. */
function carryOut(
  { store, clock }: ReservationPorts,
  orderId: string,
  context: CallContext,
  codec: ResponseCodec<{ reservation: ReservationMessage | undefined }>,
  decide: (record: ReservationRecord) => Promise<Decision>,
): Promise<{ reservation: ReservationMessage | undefined }> {
  const { trace } = context;
  return decideAgain(`the reservation of order ${orderId}`, () =>
    answerOnce({
      store,
      context,
      codec,
      work: async () => {
        const record = await readReservation(store, orderId, trace);
        const decision = await decide(record);
        return {
          batch: batchOf(decision, record.version, clock.nowMs(), trace),
          response: { reservation: messageOf(decision.reservation) },
        };
      },
    }),
  );
}
