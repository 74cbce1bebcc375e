import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { millisOf } from '../../mesh/contract/timestamp.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type LoneService, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext, testUser } from '../../mesh/testing/test-context.js';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import { ShipmentState, ShippingServiceDefinition } from '../../proto/gen/meshmart/shipping/v1/shipping.js';
import { ShipmentCancelled, ShipmentCreated } from '../../proto/gen/meshmart/shipping/v1/shipping_events.js';
import { service } from './service.js';

describe('shipping', () => {
  const stepMs = 10_000;
  let clock: VirtualClock;
  let alone: LoneService;
  let keys: number;
  beforeEach(async () => {
    keys = 0;
    clock = virtualClock();
    alone = await startLoneService({
      name: 'shipping',
      service,
      ambient: clock,
      environment: { SHIPPING_CARRIER_STEP_SECONDS: String(stepMs / 1_000) },
      callers: { order: ['meshmart.shipping.v1.ShippingService/CreateShipment'] },
    });
  });
  afterEach(() => alone.stop());

  const address = {
    name: 'Ada',
    line1: '1 Analytical Row',
    line2: '',
    city: 'Berlin',
    postalCode: '10115',
    country: 'DE',
  };
  const create = (change: { orderId?: string; optionId?: string; country?: string; key?: string } = {}) => {
    const { orderId = 'ord_1', optionId = 'standard', country = 'DE', key } = change;
    keys += 1;
    return alone
      .client(ShippingServiceDefinition, 'order')
      .createShipment(
        { orderId, userId: 'usr_1', address: { ...address, country }, optionId, weightGrams: 1_200 },
        testContext({ clock: clock.clock }),
        { idempotencyKey: key ?? `key-${keys}` },
      )
      .then(({ shipment }) => shipment ?? expect.fail('there is no shipment'));
  };
  const as = (id: string) => testContext({ clock: clock.clock, userToken: alone.tokenOf(testUser(id)) });
  const operator = () =>
    testContext({
      clock: clock.clock,
      userToken: alone.tokenOf({ id: 'operator', kind: 'operator', scopes: ['operator'] }),
    });
  const shop = () => alone.client(ShippingServiceDefinition);
  const stateOf = async (id: string) => (await shop().getShipment({ id }, as('usr_1'))).shipment?.state;
  const reasonOf = (call: Promise<unknown>) =>
    call.then(
      () => 'it worked',
      (error: unknown) => (MeshError.is(error) ? error.reason : String(error)),
    );

  it('makes a parcel that keeps what it was given, and says so to others', async () => {
    const made = await create();
    const { shipment } = await shop().getShipment({ id: made.id }, as('usr_1'));
    expect(shipment).to.deep.equal(made);
    expect(shipment?.address).to.deep.equal(address);
    expect(shipment).to.include({ orderId: 'ord_1', optionId: 'standard', weightGrams: 1_200 });
    expect(shipment?.trackingNumber).to.match(/^[0-9A-Z]{16}$/);
    expect(millisOf(shipment?.createdAt)).to.equal(clock.clock.nowMs());
    await eventually(() => alone.published.length === 1);
    const { shipmentId, trackingNumber } = ShipmentCreated.decode(
      alone.published[0]?.data ?? new Uint8Array(),
    );
    expect({ shipmentId, trackingNumber }).to.deep.equal({
      shipmentId: made.id,
      trackingNumber: made.trackingNumber,
    });
  });

  it('makes one parcel of an order, whoever asks with whatever key, also at once', async () => {
    const made = await Promise.all([create(), create(), create({ key: 'same' }), create({ key: 'same' })]);
    expect(new Set(made.map(({ id }) => id)).size).to.equal(1);
    expect((await create()).id).to.equal(made[0]?.id);
    expect((await create({ orderId: 'ord_2' })).id).not.to.equal(made[0]?.id);
    expect(
      await alone.store.query({ sql: 'SELECT order_id FROM shipments ORDER BY order_id' }),
    ).to.deep.equal([{ order_id: 'ord_1' }, { order_id: 'ord_2' }]);
  });

  it('makes none that nobody carries', async () => {
    expect(await reasonOf(create({ country: 'AQ' }))).to.equal('COUNTRY_NOT_SERVED');
    expect(await reasonOf(create({ optionId: 'balloon' }))).to.equal('SHIPPING_OPTION_NOT_FOUND');
    expect(await alone.store.query({ sql: 'SELECT id FROM shipments' })).to.deep.equal([]);
  });

  it('shows a parcel to its buyer only', async () => {
    const { id } = await create();
    expect(await reasonOf(shop().getShipment({ id }, as('usr_2')))).to.equal('SHIPMENT_NOT_FOUND');
    expect(await reasonOf(shop().getShipment({ id: 'shp_none' }, as('usr_1')))).to.equal(
      'SHIPMENT_NOT_FOUND',
    );
  });

  it('moves a parcel on with time, and tells each stage once to whoever follows it', async () => {
    const { id } = await create();
    const told: ShipmentState[] = [];
    const following = (async () => {
      for await (const { checkpoint } of shop().trackShipment({ id }, as('usr_1')))
        told.push(checkpoint?.state ?? ShipmentState.SHIPMENT_STATE_UNSPECIFIED);
    })();
    await clock.advance(stepMs + 1_000);
    expect(await stateOf(id)).to.equal(ShipmentState.SHIPMENT_STATE_PICKED_UP);
    await clock.advance(4 * stepMs);
    await following;
    expect(await stateOf(id)).to.equal(ShipmentState.SHIPMENT_STATE_DELIVERED);
    expect(told).to.deep.equal([
      ShipmentState.SHIPMENT_STATE_LABEL_CREATED,
      ShipmentState.SHIPMENT_STATE_PICKED_UP,
      ShipmentState.SHIPMENT_STATE_IN_TRANSIT,
      ShipmentState.SHIPMENT_STATE_OUT_FOR_DELIVERY,
      ShipmentState.SHIPMENT_STATE_DELIVERED,
    ]);
  });

  it('lets an operator take a parcel back before it is picked up, once, and not after', async () => {
    const [{ id }, late] = [await create(), await create({ orderId: 'ord_2' })];
    for (let time = 0; time < 2; time += 1) {
      const { shipment } = await shop().cancelShipment({ id }, operator());
      expect(shipment?.state).to.equal(ShipmentState.SHIPMENT_STATE_CANCELLED);
    }
    await clock.advance(stepMs);
    expect(await stateOf(id)).to.equal(ShipmentState.SHIPMENT_STATE_CANCELLED);
    expect(await reasonOf(shop().cancelShipment({ id: late.id }, operator()))).to.equal(
      'SHIPMENT_NOT_CANCELLABLE',
    );
    const cancelled = alone.published.filter(({ type }) => type.endsWith('ShipmentCancelled'));
    expect(cancelled.map(({ data }) => ShipmentCancelled.decode(data).shipmentId)).to.deep.equal([id]);
  });

  it('lets nobody else take a parcel back', async () => {
    const { id } = await create();
    expect(await reasonOf(shop().cancelShipment({ id }, as('usr_1')))).to.equal('SCOPE_MISSING');
    expect(await stateOf(id)).to.equal(ShipmentState.SHIPMENT_STATE_LABEL_CREATED);
  });
});
