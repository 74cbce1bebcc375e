import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { type ConsulProcess, consulProcess } from './consul-process.test.js';
import { createConsulRegistry } from './consul-registry.js';
import { createConsulResolver } from './consul-resolver.js';
import type { Registered, Registration } from './registry.js';
import type { Resolver } from './resolver.js';

const ambient = machineAmbient();

const registrationOf = (number: number, changes: Partial<Registration> = {}): Registration => ({
  service: 'catalog',
  instanceId: `catalog-${number}.1`,
  address: '127.0.0.1',
  port: 20_000 + number,
  tags: ['grpc'],
  meta: { version: '1.2.3', language: 'typescript', authority: 'catalog', admin_port: '9464' },
  ...changes,
});

describe('the registry in Consul', function () {
  this.timeout(120_000);
  let consul: ConsulProcess;
  let resolver: Resolver;
  const registered: Registered[] = [];
  const log = collectingLog();

  beforeEach(async () => {
    consul = await consulProcess();
    await consul.start();
    resolver = createConsulResolver({ ambient, log, address: consul.address });
  });
  afterEach(async () => {
    resolver.close();
    await Promise.all(registered.splice(0).map((one) => one.deregister()));
    await consul.close();
  });

  const register = async (registration: Registration, health = () => ({ serving: true })) => {
    const registry = createConsulRegistry({ ambient, log, address: consul.address });
    const one = await registry.register(registration, health);
    registered.push(one);
    return one;
  };
  const watch = () => {
    const told: { readonly atMs: number; readonly ids: string }[] = [];
    resolver.watch('catalog', (endpoints) => {
      told.push({ atMs: performance.now(), ids: endpoints.map(({ instanceId }) => instanceId).join(' ') });
    });
    const until = (ids: string, withinMs = 10_000) =>
      eventually(() => expect(told.at(-1)?.ids).to.equal(ids), { withinMs, what: `the list '${ids}'` });
    return { told, until };
  };
  const three = 'catalog-1.1 catalog-2.1 catalog-3.1';
  const registerThree = () => Promise.all([1, 2, 3].map((number) => register(registrationOf(number))));
  const passing = async () =>
    (
      (await consul.request('GET', '/v1/health/service/catalog?passing')) as {
        Service: { ID: string };
      }[]
    ).map(({ Service }) => Service.ID);

  it('keeps all that was registered, the virtual address too', async () => {
    await register(registrationOf(1, { virtual: { address: '10.96.0.7', port: 50_051 } }));
    const [entry] = await eventually(async () => {
      const found = (await consul.request('GET', '/v1/health/service/catalog?passing')) as {
        Service: Record<string, unknown>;
      }[];
      return found.length > 0 && found;
    });
    expect(entry?.Service).to.deep.include({
      ID: 'catalog-1.1',
      Service: 'catalog',
      Address: '127.0.0.1',
      Port: 20_001,
      Tags: ['grpc'],
      Meta: { version: '1.2.3', language: 'typescript', authority: 'catalog', admin_port: '9464' },
    });
    expect(entry?.Service['TaggedAddresses']).to.have.property('virtual').that.deep.equals({
      Address: '10.96.0.7',
      Port: 50_051,
    });
    const { promise, resolve } = withResolvers<unknown>();
    resolver.watch('catalog', ([endpoint]) => resolve(endpoint));
    expect(await promise).to.deep.equal({
      instanceId: 'catalog-1.1',
      address: '127.0.0.1',
      port: 20_001,
      version: '1.2.3',
      virtual: { address: '10.96.0.7', port: 50_051 },
    });
  });

  it('takes an instance out of the lists while it does not serve, and says why', async () => {
    let serving = true;
    await register(registrationOf(1), () =>
      serving ? { serving } : { serving, problem: 'its database is gone' },
    );
    await register(registrationOf(2));
    const { until } = watch();
    await until('catalog-1.1 catalog-2.1');
    serving = false;
    await until('catalog-2.1');
    const checks = (await consul.request('GET', '/v1/health/checks/catalog')) as { Output: string }[];
    expect(checks.map(({ Output }) => Output)).to.include('its database is gone');
    serving = true;
    await until('catalog-1.1 catalog-2.1');
  });

  it('takes a deregistered instance out of the lists within a second', async () => {
    const [first] = await registerThree();
    const { told, until } = watch();
    await until(three);
    const atMs = performance.now();
    await first?.deregister();
    await until('catalog-2.1 catalog-3.1', 1_000);
    measured('deregistered', (told.at(-1)?.atMs ?? 0) - atMs);
  });

  it('takes out an instance that somebody else saw die', async () => {
    const child = await otherProcess(consul.address, registrationOf(9));
    await register(registrationOf(1));
    const { until } = watch();
    await until('catalog-1.1 catalog-9.1');
    await killed(child);
    await createConsulRegistry({ ambient, log, address: consul.address }).forget('catalog-9.1');
    await until('catalog-1.1');
    await createConsulRegistry({ ambient, log, address: consul.address }).forget('never-there');
  });

  it('has a killed process out of the lists within 2 s', async () => {
    await register(registrationOf(1));
    const { told, until } = watch();
    for (let round = 0; round < 5; round += 1) {
      const child = await otherProcess(consul.address, registrationOf(9));
      await until('catalog-1.1 catalog-9.1');
      await ambient.timers.sleep(round * 110);
      const atMs = performance.now();
      await killed(child);
      await until('catalog-1.1', 2_000);
      measured('killed', (told.at(-1)?.atMs ?? 0) - atMs);
    }
  });

  for (const [name, empty] of [
    ['what it knew', false],
    ['nothing', true],
  ] as const) {
    it(`keeps the list while Consul is dead, and has all registered soon after it begins again with ${name}`, async () => {
      await registerThree();
      const { told, until } = watch();
      await until(three);
      const before = told.length - 1;
      await consul.kill();
      await ambient.timers.sleep(3_000);
      if (empty) consul.forgetAll();
      await consul.start();
      const atMs = performance.now();
      await eventually(async () => expect(await passing()).to.have.length(3), { withinMs: 5_000 });
      measured(`all registered after a restart with ${name}`, performance.now() - atMs);
      await ambient.timers.sleep(2_000);
      expect(told.slice(before).map(({ ids }) => ids)).to.deep.equal([three]);
      await eventually(() => registered.every((one) => one.current()), { what: 'each to know of it' });
    });
  }

  it('keeps the list while Consul hangs, and when it goes on', async () => {
    await registerThree();
    const { told, until } = watch();
    await until(three);
    const before = told.length - 1;
    consul.signal('SIGSTOP');
    await ambient.timers.sleep(15_000);
    expect(registered.some((one) => one.current())).to.equal(false);
    consul.signal('SIGCONT');
    const atMs = performance.now();
    await eventually(async () => expect(await passing()).to.have.length(3), { withinMs: 5_000 });
    measured('all registered after a stop', performance.now() - atMs);
    await ambient.timers.sleep(2_000);
    expect(told.slice(before).map(({ ids }) => ids)).to.deep.equal([three]);
  });

  it('starts without Consul, and registers when it comes', async () => {
    await consul.kill();
    const startedMs = performance.now();
    const one = await register(registrationOf(1));
    expect(performance.now() - startedMs).to.be.below(1_500);
    expect(one.current()).to.equal(false);
    await consul.start();
    await eventually(async () => expect(await passing()).to.deep.equal(['catalog-1.1']), { withinMs: 5_000 });
  });

  it('ends in time when Consul is gone or hangs', async () => {
    const [first, second] = await registerThree();
    consul.signal('SIGSTOP');
    let startedMs = performance.now();
    await first?.deregister();
    expect(performance.now() - startedMs).to.be.below(5_000);
    consul.signal('SIGCONT');
    await consul.kill();
    startedMs = performance.now();
    await second?.deregister();
    expect(performance.now() - startedMs).to.be.below(5_000);
  });

  it('tells once that Consul is away, not at each attempt', async () => {
    await register(registrationOf(1));
    const lines = () => log.lines.filter(({ fields }) => fields['registered'] === 'catalog-1.1').length;
    await consul.kill();
    const before = lines();
    await ambient.timers.sleep(4_000);
    expect(lines() - before).to.equal(1);
  });
});

/** A process that registers itself and then only lives. */
async function otherProcess(address: string, registration: Registration): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./registered-until-killed.test.ts', import.meta.url)), [], {
    execArgv: ['--import=tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.send({ address, registration });
  await once(child, 'message');
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolved) => {
    resolve = resolved;
  });
  return { promise, resolve };
}

/** Figures for `docs/discovery.md`. */
function measured(what: string, ms: number): void {
  if (process.env['MEASURE'] !== undefined) process.stderr.write(`      ${what}: ${Math.round(ms)} ms\n`);
}
