import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { loadContract } from '../../mesh/contract/image.js';
import { readPolicies } from '../../mesh/contract/policy.js';
import { createClient } from '../../mesh/rpc/client.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import { createDispatch } from '../../mesh/rpc/dispatch.js';
import { inProcessWire } from '../../mesh/rpc/in-process.js';
import { createBackground } from '../../mesh/runtime/background.js';
import { createIdSource } from '../../mesh/runtime/id.js';
import { machineHttp } from '../../mesh/runtime/outgoing-http.js';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { documentsInStore } from '../../mesh/store/document-table.js';
import { nullTracer } from '../../mesh/telemetry/null-tracer.js';
import { type CollectingLog, collectingLog } from '../../mesh/testing/collecting-log.js';
import { openLoneStore } from '../../mesh/testing/lone-store.js';
import { type TemporaryFolder, temporaryFolder } from '../../mesh/testing/temporary-folder.js';
import { testCommand, testContext, testUser } from '../../mesh/testing/test-context.js';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import {
  type OrderServiceDefinition,
  OrderState,
  PlaceOrderRequest,
} from '../../proto/gen/meshmart/order/v1/order.js';
import { loadSaga } from './order-store.js';
import { type Fate, type ScriptedRequest, type ScriptedShop, scriptedShop } from './scripted-shop.test.js';
import { service } from './service.js';

const policies = readPolicies(loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb'))));
const request = PlaceOrderRequest.fromPartial({ paymentToken: 'tok_1', shippingOptionId: 'standard' });

describe('the saga on a virtual clock', () => {
  let clock: VirtualClock;
  let shop: ScriptedShop;
  let folder: TemporaryFolder;
  let log: CollectingLog;
  let life: {
    readonly ports: ServicePorts;
    readonly stop: () => Promise<void>;
    readonly work: () => Promise<void>;
  };
  let handlers: Handlers<typeof OrderServiceDefinition>;

  /** Starts the service over the file that the last life left. */
  const start = async () => {
    const stopping = new AbortController();
    const dispatches = shop.neighbours.map((bound) => ({
      name: bound.definition.fullName,
      dispatch: createDispatch({ contracts: [bound], policies, ambient: clock }),
    }));
    const dispatchOf = (name: string) => dispatches.find((each) => each.name === name)?.dispatch;
    const path = join(folder.path, 'order.db');
    const store = await openLoneStore({ service: 'order', schema: service.schema, path, ambient: clock });
    const ports: ServicePorts = {
      clock: clock.clock,
      random: clock.random,
      timers: clock.timers,
      ids: createIdSource(clock.clock, clock.random),
      log,
      tracer: nullTracer,
      store,
      documents: documentsInStore(store, clock.clock),
      client: (definition) => {
        const wire = inProcessWire(() => dispatchOf(definition.fullName), 'order');
        return createClient(definition, { wire, policies, ambient: clock, caller: 'order' });
      },
      background: createBackground({ ambient: clock, service: 'order', stopping: stopping.signal }),
      setting: (name) => (name === 'ordersAtOnce' ? '4' : '2000'),
      secret: () => new Uint8Array(),
      http: machineHttp(),
      verifyToken: async () => testUser(),
      mail: { send: async () => undefined },
      stopping: stopping.signal,
    };
    const parts = await service.build(ports);
    handlers = parts.contracts[0]?.handlers as unknown as Handlers<typeof OrderServiceDefinition>;
    await parts.start?.();
    life = {
      ports,
      work: async () => {
        for (const worker of parts.workers ?? []) await worker.run(testContext({ clock: clock.clock }));
      },
      stop: async () => {
        stopping.abort(new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'stopping' }));
        await parts.stop?.();
        await store.close();
      },
    };
  };

  beforeEach(async () => {
    clock = virtualClock();
    shop = scriptedShop();
    folder = temporaryFolder();
    log = collectingLog();
    await start();
  });
  afterEach(async () => {
    await life.stop();
    folder.remove();
  });

  /** Lets time pass, in small steps so that work that was begun can end. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 50) {
      await clock.advance(50);
      await clock.settle();
    }
  };
  const place = async (key: string) => {
    const context = testContext({ clock: clock.clock, user: testUser(), command: testCommand(key) });
    const placing = handlers.placeOrder(request, context);
    await pass(2_500);
    const { order } = await placing;
    return { id: order?.id ?? '', trailers: context.trailers };
  };
  const stateOf = async (id: string) =>
    OrderState[(await loadSaga(life.ports.store, id))?.order.state ?? OrderState.ORDER_STATE_UNSPECIFIED];
  const lostFor = (tries: number): Fate[] => Array<Fate>(tries).fill('lost before');
  const triesOf = (step: ScriptedRequest) =>
    shop.arrived.filter((arrived) => arrived.startsWith(`${step} `)).length;

  for (const step of ['reserve', 'authorize', 'commit', 'capture', 'ship'] as const) {
    it(`goes on after a restart in the middle of ${step}`, async () => {
      shop.script[step] = lostFor(1_000);
      const { id } = await place('key');
      expect(await stateOf(id)).to.not.equal('ORDER_STATE_SHIPPED');
      await life.stop();
      shop.script[step] = ['lost after'];
      await start();
      await pass(3_000);
      expect(await stateOf(id)).to.equal('ORDER_STATE_SHIPPED');
      expect(shop.effects.sort()).to.deep.equal(
        ['authorize', 'capture', 'commit', 'reserve', 'ship'].map((effect) => `${id} ${effect}`),
      );
    });
  }

  it('gives the same answer after a restart as before', async () => {
    shop.script.reserve = lostFor(1_000);
    const before = await place('key');
    expect(before.trailers).to.deep.equal({ 'x-http-code': '202' });
    await life.stop();
    shop.script.reserve = [];
    await start();
    await pass(3_000);
    expect(await place('key')).to.deep.equal(before);
    expect(await stateOf(before.id)).to.equal('ORDER_STATE_SHIPPED');
  });

  it('asks a participant that is away again and again, at most every two seconds, and not more often the longer it lasts', async () => {
    shop.script.reserve = lostFor(10_000);
    const { id } = await place('key');
    const triesIn = async (seconds: number) => {
      const before = triesOf('reserve');
      for (let second = 0; second < seconds; second += 1) {
        await pass(1_000);
        // The reconciler looks as well, once a second.
        await life.work();
      }
      return triesOf('reserve') - before;
    };
    const first = await triesIn(30);
    await triesIn(60);
    const later = await triesIn(30);
    expect(first).to.be.above(14);
    expect(later).to.be.within(15, 65);
    shop.script.reserve = [];
    await pass(5_000);
    expect(await stateOf(id)).to.equal('ORDER_STATE_SHIPPED');
  });

  for (const [lost, done] of [
    ['capture', 'commit'],
    ['commit', 'capture'],
  ] as const) {
    it(`waits before it asks again for a ${lost} that failed beside a ${done} that did not`, async () => {
      shop.script[lost] = lostFor(2);
      const context = testContext({ clock: clock.clock, user: testUser(), command: testCommand('key') });
      const { order } = await handlers.placeOrder(request, context);
      const id = order?.id ?? '';
      // No time passes: whatever is done at once is done now.
      for (let turn = 0; turn < 50; turn += 1) await clock.settle();
      expect(triesOf(done)).to.equal(1);
      expect(triesOf(lost)).to.equal(1);
      await clock.advance(24);
      expect(triesOf(lost), 'sooner than half of the first delay').to.equal(1);
      await clock.advance(26);
      expect(triesOf(lost)).to.equal(2);
      // The delay doubles, as for every other step.
      await clock.advance(49);
      expect(triesOf(lost)).to.equal(2);
      await pass(1_000);
      expect(triesOf(done)).to.equal(1);
      expect(triesOf(lost)).to.equal(3);
      expect(await stateOf(id)).to.equal('ORDER_STATE_SHIPPED');
      expect(
        log.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields['failures']),
      ).to.deep.equal([1, 2]);
    });
  }

  it('does not let orders that wait keep others from their turn', async () => {
    shop.script.ship = lostFor(8);
    const ids: string[] = [];
    for (let count = 0; count < 8; count += 1) ids.push((await place(`key-${count}`)).id);
    await pass(10_000);
    for (const id of ids) expect(await stateOf(id)).to.equal('ORDER_STATE_SHIPPED');
  });

  it('takes on no new order while as many wait for their turn as are under way, and answers repeated ones', async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    shop.script.reserve = Array<Fate>(8).fill(held);
    const ask = (key: string) => {
      const context = testContext({ clock: clock.clock, user: testUser(), command: testCommand(key) });
      return handlers.placeOrder(request, context);
    };
    const eight = Array.from({ length: 8 }, (_, index) => ask(`key-${index}`));
    await pass(500);
    const refused = (await ask('key-8').catch((error: unknown) => error)) as MeshError;
    expect([refused.code, refused.reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'OVERLOADED']);
    const repeated = ask('key-7');
    goOn();
    await pass(1_000);
    const ids = (await Promise.all([...eight, repeated])).map(({ order }) => order?.id ?? '');
    expect(ids[8]).to.equal(ids[7]);
    const { id } = await place('key-8');
    for (const each of [...ids, id]) expect(await stateOf(each)).to.equal('ORDER_STATE_SHIPPED');
  });

  it('leaves no timer behind when all is done', async () => {
    const { id } = await place('key');
    await pass(15_000);
    expect(await stateOf(id)).to.equal('ORDER_STATE_SHIPPED');
    expect(clock.pendingTimers()).to.equal(0);
  });
});
