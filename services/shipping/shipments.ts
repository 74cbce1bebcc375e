import { MeshError } from '../../mesh/contract/error.js';
import { timestampOf } from '../../mesh/contract/timestamp.js';
import { type CallContext, userOf } from '../../mesh/rpc/context.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import { numberSettings } from '../../mesh/runtime/number-setting.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { answerOnce } from '../../mesh/store/idempotent.js';
import { type Row, StoreConflict } from '../../mesh/store/store.js';
import {
  CreateShipmentResponse,
  type Shipment,
  ShipmentState,
  type ShippingServiceDefinition,
  type TrackShipmentRequest,
  type TrackShipmentResponse,
} from '../../proto/gen/meshmart/shipping/v1/shipping.js';
import { ShipmentCancelled, ShipmentCreated } from '../../proto/gen/meshmart/shipping/v1/shipping_events.js';
import { Address } from '../../proto/gen/meshmart/type/v1/address.js';
import { checkpoints, isFinal } from './progress.js';
import { optionOf, quote } from './tariff.js';

interface ShipmentRow extends Row {
  readonly id: string;
  readonly order_id: string;
  readonly user_id: string;
  readonly option_id: string;
  readonly carrier: string;
  readonly tracking_number: string;
  readonly weight_grams: number;
  readonly address: Uint8Array;
  readonly created_at_ms: number;
  readonly cancelled_at_ms: number | null;
}

/** The methods of the shipping service. */
export function shippingHandlers(ports: ServicePorts): Handlers<typeof ShippingServiceDefinition> {
  const { store, clock, ids, timers } = ports;
  const number = numberSettings('shipping', ports.setting);
  // Up to a week.
  const stepMs = number('carrierStepSeconds', { least: 0.001, most: 604_800 }) * 1_000;

  const shown = (row: ShipmentRow): Shipment => {
    const passed = checkpoints(
      {
        createdAtMs: Number(row.created_at_ms),
        cancelledAtMs: row.cancelled_at_ms === null ? undefined : Number(row.cancelled_at_ms),
        stepMs,
      },
      clock.nowMs(),
    );
    return {
      id: row.id,
      orderId: row.order_id,
      state: passed.at(-1)?.state ?? ShipmentState.SHIPMENT_STATE_LABEL_CREATED,
      optionId: row.option_id,
      carrier: row.carrier,
      trackingNumber: row.tracking_number,
      weightGrams: Number(row.weight_grams),
      address: Address.decode(row.address),
      createdAt: timestampOf(Number(row.created_at_ms)),
      checkpoints: passed,
    };
  };
  const find = async (column: 'id' | 'order_id', value: string, context: CallContext) =>
    (
      await store.query<ShipmentRow>(
        { sql: `SELECT * FROM shipments WHERE ${column} = ?`, values: [value] },
        context.trace,
      )
    )[0];
  const own = async (id: string, context: CallContext) => {
    const row = await find('id', id, context);
    if (row === undefined || row.user_id !== userOf(context).id) throw notFound(id);
    return row;
  };

  return {
    quoteShipping: async (request) => ({ options: quote(request.country, request.weightGrams) }),

    createShipment: async (request, context) => {
      const create = () =>
        answerOnce({
          store,
          context,
          codec: CreateShipmentResponse,
          work: async () => {
            // An order has one shipment, whoever asks with whatever key.
            const before = await find('order_id', request.orderId, context);
            if (before !== undefined)
              return { response: { shipment: shown(before) }, batch: { trace: context.trace } };
            const address = Address.fromPartial(request.address ?? {});
            const option = optionOf(address.country, request.weightGrams, request.optionId);
            const nowMs = clock.nowMs();
            const row: ShipmentRow = {
              id: ids('shp'),
              order_id: request.orderId,
              user_id: request.userId,
              option_id: option.id,
              carrier: option.carrier,
              tracking_number: ids('mm').slice(3, 19).toUpperCase(),
              weight_grams: request.weightGrams,
              address: Address.encode(address).finish(),
              created_at_ms: nowMs,
              cancelled_at_ms: null,
            };
            return {
              response: { shipment: shown(row) },
              batch: {
                statements: [
                  {
                    sql: `INSERT INTO shipments (id, order_id, user_id, option_id, carrier, tracking_number, weight_grams, address, created_at_ms)
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
                    values: [
                      row.id,
                      row.order_id,
                      row.user_id,
                      row.option_id,
                      row.carrier,
                      row.tracking_number,
                      row.weight_grams,
                      row.address,
                      nowMs,
                    ],
                    changes: 1,
                    guard: 'order',
                  },
                ],
                outbox: [
                  {
                    type: 'meshmart.shipping.v1.ShipmentCreated',
                    key: row.order_id,
                    data: ShipmentCreated.encode({
                      shipmentId: row.id,
                      orderId: row.order_id,
                      trackingNumber: row.tracking_number,
                      occurredAt: timestampOf(nowMs),
                    }).finish(),
                  },
                ],
                trace: context.trace,
              },
            };
          },
        });
      // The other of two calls at once finds what the first has written.
      return create().catch((error: unknown) => {
        if (error instanceof StoreConflict && error.subject === 'order') return create();
        throw error;
      });
    },

    cancelShipment: async (request, context) => {
      const row = await find('id', request.id, context);
      if (row === undefined) throw notFound(request.id);
      const { state } = shown(row);
      if (state === ShipmentState.SHIPMENT_STATE_CANCELLED) return { shipment: shown(row) };
      if (state !== ShipmentState.SHIPMENT_STATE_LABEL_CREATED) {
        throw new MeshError({
          code: 'FAILED_PRECONDITION',
          reason: 'SHIPMENT_NOT_CANCELLABLE',
          message: `shipment ${row.id} has been picked up: it can't be taken back`,
        });
      }
      const nowMs = clock.nowMs();
      await store.commit({
        statements: [
          {
            sql: 'UPDATE shipments SET cancelled_at_ms = ? WHERE id = ? AND cancelled_at_ms IS NULL',
            values: [nowMs, row.id],
          },
        ],
        outbox: [
          {
            type: 'meshmart.shipping.v1.ShipmentCancelled',
            key: row.order_id,
            data: ShipmentCancelled.encode({
              shipmentId: row.id,
              orderId: row.order_id,
              occurredAt: timestampOf(nowMs),
            }).finish(),
          },
        ],
        trace: context.trace,
      });
      return { shipment: shown({ ...row, cancelled_at_ms: nowMs }) };
    },

    getShipment: async (request, context) => ({ shipment: shown(await own(request.id, context)) }),

    trackShipment: (request, context) => track(request, context),
  };

  async function* track(
    request: TrackShipmentRequest,
    context: CallContext,
  ): AsyncGenerator<TrackShipmentResponse> {
    let told = 0;
    for (;;) {
      const shipment = shown(await own(request.id, context));
      for (const checkpoint of shipment.checkpoints.slice(told)) yield { shipment, checkpoint };
      told = shipment.checkpoints.length;
      if (isFinal(shipment.state) || context.signal.aborted) return;
      // A cancellation may come at any time, so it looks more often than the parcel moves.
      await timers.sleep(Math.min(1_000, Math.max(50, stepMs / 4)), context.signal);
    }
  }
}

function notFound(id: string): MeshError {
  return new MeshError({
    code: 'NOT_FOUND',
    reason: 'SHIPMENT_NOT_FOUND',
    message: `there is no shipment ${id}`,
  });
}
