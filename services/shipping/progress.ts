import { timestampOf } from '../../mesh/contract/timestamp.js';
import { type Checkpoint, ShipmentState } from '../../proto/gen/meshmart/shipping/v1/shipping.js';

const stages = [
  ShipmentState.SHIPMENT_STATE_LABEL_CREATED,
  ShipmentState.SHIPMENT_STATE_PICKED_UP,
  ShipmentState.SHIPMENT_STATE_IN_TRANSIT,
  ShipmentState.SHIPMENT_STATE_OUT_FOR_DELIVERY,
  ShipmentState.SHIPMENT_STATE_DELIVERED,
] as const;

/** What a parcel's way depends on. */
export interface Journey {
  readonly createdAtMs: number;
  /** When it was taken back, if it was; only possible before it is picked up. */
  readonly cancelledAtMs: number | undefined;
  /** How long it stays in each stage. */
  readonly stepMs: number;
}

/** Where a parcel was until `nowMs`, oldest first. Pure: the simulated carrier is nothing but time passing. */
export function checkpoints(journey: Journey, nowMs: number): Checkpoint[] {
  const { createdAtMs, cancelledAtMs, stepMs } = journey;
  const endMs = Math.min(nowMs, cancelledAtMs ?? Number.POSITIVE_INFINITY);
  const reached = stages
    .map((state, index) => ({ state, atMs: createdAtMs + index * stepMs }))
    .filter(({ atMs }, index) => index === 0 || atMs <= endMs)
    .map(({ state, atMs }): Checkpoint => ({ state, at: timestampOf(atMs) }));
  if (cancelledAtMs === undefined || nowMs < cancelledAtMs) return reached;
  return [...reached, { state: ShipmentState.SHIPMENT_STATE_CANCELLED, at: timestampOf(cancelledAtMs) }];
}

/** Whether a parcel goes no further. */
export function isFinal(state: ShipmentState): boolean {
  return state === ShipmentState.SHIPMENT_STATE_DELIVERED || state === ShipmentState.SHIPMENT_STATE_CANCELLED;
}
