import { expect } from 'chai';
import { eventually } from '../testing/eventually.js';
import type { Endpoint, Resolver } from './resolver.js';

/** A kind of resolver, as its test sets it up. */
export interface ResolverSetup {
  readonly resolver: Resolver;
  /** The grace period that the resolver was made with, in milliseconds. */
  readonly graceMs: number;
  /** Makes these the endpoints of a service; the resolver hears of it by itself. */
  publish(service: string, endpoints: readonly Endpoint[]): Promise<void>;
  close(): Promise<void>;
}

/** A kind whose source of lists can go away. */
export interface RemoteResolverSetup extends ResolverSetup {
  /** Makes the source go away, and resolves when the resolver has noticed. */
  goAway(): Promise<void>;
  /** Brings it back, with no more than these endpoints. */
  comeBack(service: string, endpoints: readonly Endpoint[]): Promise<void>;
}

/** An endpoint for tests, on loopback. */
export function endpointAt(port: number, changes: Partial<Endpoint> = {}): Endpoint {
  return { instanceId: `127.0.0.1:${port}`, address: '127.0.0.1', port, version: '', ...changes };
}

const first = endpointAt(10_001);
const second = endpointAt(10_002);
const third = endpointAt(10_003);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What every resolver does alike. */
export function resolverContract(name: string, makeSetup: () => Promise<ResolverSetup>): void {
  describe(`the resolver: ${name}`, function () {
    this.timeout(60_000);
    let setup: ResolverSetup;
    beforeEach(async () => {
      setup = await makeSetup();
    });
    afterEach(async () => {
      setup.resolver.close();
      await setup.close();
    });

    const watch = (service?: string) => watching(setup, service);

    it('tells the first list, and not from within watch', async () => {
      await setup.publish('catalog', [first]);
      const { told, until } = watch();
      expect(told).to.deep.equal([]);
      await until(first.port);
      expect(told).to.have.length(1);
    });

    it('tells at once that a service has no instances, to those who have had none', async () => {
      const { told } = watch('nowhere');
      await eventually(() => expect(told).to.deep.equal([[]]), {
        withinMs: 5_000,
      });
    });

    it('tells each change once, sorted by instance', async () => {
      await setup.publish('catalog', [second]);
      const { told, until } = watch();
      await until(second.port);
      await setup.publish('catalog', [second, first]);
      await until(first.port, second.port);
      await setup.publish('catalog', [first, second]);
      await setup.publish('catalog', [first, second, third]);
      await until(first.port, second.port, third.port);
      await setup.publish('catalog', [third]);
      await until(third.port);
      for (const [index, list] of told.entries()) expect(list).not.to.deep.equal(told[index + 1]);
    });

    it('tells all watchers of a service, and those of another nothing', async () => {
      await setup.publish('cart', [third]);
      const one = watch();
      const other = watch();
      const cart = watch('cart');
      await cart.until(third.port);
      await setup.publish('catalog', [first]);
      await one.until(first.port);
      await other.until(first.port);
      expect(cart.told).to.deep.equal([[third.port]]);
    });

    it('tells nothing after stop, and all there is to who watches again', async () => {
      await setup.publish('catalog', [first]);
      const stopped = watch();
      await stopped.until(first.port);
      stopped.stop();
      stopped.stop();
      await setup.publish('catalog', [first, second]);
      const again = watch();
      await again.until(first.port, second.port);
      expect(stopped.told).to.deep.equal([[first.port]]);
    });

    it('tells nothing when it is stopped in the turn in which it began', async () => {
      await setup.publish('catalog', [first]);
      const stopped = watch();
      stopped.stop();
      const other = watch();
      await other.until(first.port);
      expect(stopped.told).to.deep.equal([]);
    });

    it('goes on when a listener fails', async () => {
      await setup.publish('catalog', [first]);
      setup.resolver.watch('catalog', () => {
        throw new Error('of the test');
      });
      const { until } = watch();
      await until(first.port);
      await setup.publish('catalog', [second, first]);
      await until(first.port, second.port);
    });

    it('keeps the last list for the grace period when the list becomes empty, then believes it', async () => {
      await setup.publish('catalog', [first]);
      const { told, until } = watch();
      await until(first.port);
      await setup.publish('catalog', []);
      await pause(setup.graceMs / 2);
      expect(told.at(-1)).to.deep.equal([first.port]);
      await until();
    });

    it('forgets the instances of before as soon as others take their place', async () => {
      await setup.publish('catalog', [first]);
      const { told, until } = watch();
      await until(first.port);
      await setup.publish('catalog', []);
      await setup.publish('catalog', [second]);
      await until(second.port);
      expect(told).not.to.deep.include([]);
    });

    it('refuses what is not the name of a service', () => {
      for (const wrong of ['', 'Catalog', 'a/b', 'x?y=1', '../agent', 'a'.repeat(64)])
        expect(() => setup.resolver.watch(wrong, () => undefined), wrong).to.throw(TypeError);
    });
  });
}

/** What every resolver does alike whose source of lists can go away. */
export function remoteResolverContract(name: string, makeSetup: () => Promise<RemoteResolverSetup>): void {
  resolverContract(name, makeSetup);
  describe(`the resolver: ${name}, whose source goes away`, function () {
    this.timeout(60_000);
    let setup: RemoteResolverSetup;
    beforeEach(async () => {
      setup = await makeSetup();
    });
    afterEach(async () => {
      setup.resolver.close();
      await setup.close();
    });

    it('keeps the list meanwhile, and what is missing afterwards for the grace period', async () => {
      await setup.publish('catalog', [first, second]);
      const { told, until } = watching(setup);
      await until(first.port, second.port);
      await setup.goAway();
      const late = watching(setup);
      await late.until(first.port, second.port);
      await setup.comeBack('catalog', [first, third]);
      await until(first.port, second.port, third.port);
      await until(first.port, third.port);
      expect(told, 'no other lists between').to.have.length(3);
    });
  });
}

/** Watches, and keeps the ports of all lists that were told. */
function watching(setup: ResolverSetup, service = 'catalog') {
  const told: number[][] = [];
  const stop = setup.resolver.watch(service, (endpoints) => told.push(endpoints.map(({ port }) => port)));
  const until = (...ports: number[]) =>
    eventually(() => expect(told.at(-1)).to.deep.equal(ports), {
      withinMs: 10_000 + setup.graceMs,
      what: `the list [${ports}]`,
    });
  return { told, stop, until };
}
