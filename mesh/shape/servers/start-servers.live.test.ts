import { execFileSync } from 'node:child_process';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { openSharedBus, type SharedBus } from '../../bus/shared-bus.js';
import { machineAmbient } from '../../runtime/ambient.js';
import { openDataFiles } from '../../runtime/data-folder.js';
import type { Environment } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';
import { openRedis } from '../../store/redis-connection.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { openTraceExport } from '../../telemetry/trace-export.js';
import { collectingLog } from '../../testing/collecting-log.js';
import { eventually } from '../../testing/eventually.js';
import { freePort } from '../../testing/free-port.js';
import { madeSpan, traceIdOf } from '../../testing/made-span.js';
import { startTestRedis } from '../../testing/redis-server.js';
import { type TemporaryFolder, temporaryFolder } from '../../testing/temporary-folder.js';
import { kafka } from './kafka.js';
import { rabbitmq } from './rabbitmq.js';
import { type Servers, serverKinds, startServers } from './start-servers.js';

const busServerKinds = [rabbitmq, kafka];

describe('the servers beside the shop', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let shop: HttpServer;
  let ports: Record<string, string>;
  let servers: Servers;
  let pids: Record<string, number>;
  const told: string[] = [];
  const metrics = createMetrics({
    version: '0.1.0',
    shape: 'processes',
    clock: machineAmbient().clock,
    process: false,
  });

  const start = (environment: Environment, path = folder.path, choices = ['postgres']) =>
    startServers({
      data: openDataFiles(path),
      environment: { PATH: process.env['PATH'], ...environment },
      ambient: machineAmbient(),
      log: collectingLog(),
      targetsUrl: `http://127.0.0.1:${(shop.address() as AddressInfo).port}/targets`,
      tell: (line) => told.push(line),
      choices,
    });
  const complaint = async (environment: Environment, choices?: string[]) => {
    const empty = temporaryFolder();
    try {
      const started = await start(environment, empty.path, choices);
      await started.ready().finally(() => started.stop());
    } catch (error) {
      expect(error).to.be.instanceOf(StartupError);
      return (error as StartupError).message;
    } finally {
      expect(processesOn(empty.path)).to.deep.equal([]);
      empty.remove();
    }
    throw new Error('it started');
  };

  before(async () => {
    folder = temporaryFolder();
    const variables = serverKinds.flatMap((kind) => kind.ports.map(({ variable }) => variable));
    ports = Object.fromEntries(
      await Promise.all(variables.map(async (variable) => [variable, String(await freePort())] as const)),
    );
    // A shop that is one process: its list of targets, and its metrics.
    shop = createHttpServer((request, response) => {
      const { port } = shop.address() as AddressInfo;
      const labels = { service: 'cart', instance: 'cart-1', version: '0.1.0' };
      if (request.url === '/targets') {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify([{ targets: [`127.0.0.1:${port}`], labels }]));
      } else {
        void metrics.text().then(({ contentType, text }) => {
          response.setHeader('content-type', contentType);
          response.end(text);
        });
      }
    });
    await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
    servers = await start(ports);
    await servers.ready();
    pids = Object.fromEntries(servers.status().map(({ name, pid }) => [name, pid]));
  });
  after(async () => {
    await servers.stop();
    shop.closeAllConnections();
    shop.close();
    folder.remove();
  });

  it('are all there, at the ports that were asked for, on loopback', () => {
    expect(Object.keys(pids)).to.deep.equal(['consul', 'redis', 'postgres', 'jaeger', 'prometheus']);
    expect(servers.addresses).to.deep.equal({
      consul: `http://127.0.0.1:${ports['CONSUL_PORT']}`,
      redis: `redis://127.0.0.1:${ports['REDIS_PORT']}`,
      postgres: `postgres://127.0.0.1:${ports['POSTGRES_PORT']}`,
      jaeger: `http://127.0.0.1:${ports['JAEGER_PORT']}`,
      prometheus: `http://127.0.0.1:${ports['PROMETHEUS_PORT']}`,
    });
  });

  for (const exporter of ['otlp', 'jaeger'] as const) {
    it(`take a span by ${exporter}, and Jaeger shows it`, async () => {
      const trace = exporter === 'otlp' ? 0xa1 : 0xa2;
      const endpoint =
        exporter === 'otlp'
          ? `${servers.environment['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/traces`
          : servers.environment['OTEL_EXPORTER_JAEGER_ENDPOINT'];
      const failures: string[] = [];
      const out = await openTraceExport({
        exporter,
        endpoint,
        version: '0.1.0',
        onFailure: (problem) => failures.push(problem),
      });
      out.sink(madeSpan({ id: 7, trace, service: 'cart', name: 'AddItem', startMs: Date.now() }));
      await out.close();
      expect(failures).to.deep.equal([]);
      const name = await eventually(
        async () => {
          const answer = await fetch(`${servers.addresses['jaeger']}/api/traces/${traceIdOf(trace)}`);
          const { data } = (await answer.json()) as { data: { spans: { operationName: string }[] }[] };
          return data[0]?.spans[0]?.operationName ?? false;
        },
        { withinMs: 10_000, everyMs: 50 },
      );
      expect(name).to.equal('AddItem');
    });
  }

  it('count calls: Prometheus scrapes its targets, and its rules give rate, errors and quantiles', async () => {
    const method = '/meshmart.cart.v1.CartService/AddItem';
    const rule = async (name: string) => {
      // Rates need calls between scrapes.
      metrics.rpc('cart').observe('server', method, 'OK', 0.004);
      metrics.rpc('cart').observe('server', method, 'UNAVAILABLE', 0.004);
      const query = `meshmart:rpc_server:${name}{rpc_method="${method.slice(1)}"}`;
      const url = `${servers.addresses['prometheus']}/api/v1/query?query=${encodeURIComponent(query)}`;
      const { data } = (await (await fetch(url)).json()) as {
        data: { result: { value: [number, string] }[] };
      };
      return Number(data.result[0]?.value[1] ?? Number.NaN);
    };
    await eventually(
      async () => {
        expect(await rule('rate1m')).to.be.greaterThan(0);
        expect(await rule('errors1m')).to.be.closeTo(0.5, 0.2);
        expect(await rule('p50_seconds1m')).to.be.within(0.0025, 0.005);
        expect(await rule('p99_seconds1m')).to.be.within(0.0025, 0.005);
      },
      { withinMs: 20_000, everyMs: 200 },
    );
  });

  it('have a configuration that promtool finds right', () => {
    const file = join(folder.path, 'prometheus', 'prometheus.yaml');
    const said = execFileSync('promtool', ['check', 'config', file], { encoding: 'utf8' });
    expect(said).to.include('4 rules found').and.include('SUCCESS');
  });

  it('come back when they are killed, with their data, and it is told', async () => {
    const redis = openRedis({ url: servers.addresses['redis'] ?? '', name: 'test', log: collectingLog() });
    try {
      await redis.set('kept', 'yes');
      process.kill(pids['redis'] as number, 'SIGKILL');
      const kept = await eventually(
        async () => {
          const now = servers.status().find(({ name }) => name === 'redis')?.pid;
          expect(now).to.not.equal(pids['redis']);
          return (await redis.get('kept')) ?? false;
        },
        { withinMs: 10_000, everyMs: 20 },
      );
      expect(kept).to.equal('yes');
      expect(told.join('\n')).to.match(/^redis ended \(SIGKILL\); it starts again in \d+ ms$/);
    } finally {
      redis.disconnect();
    }
  });

  describe('that cannot start', () => {
    it('say which port is taken, and what moves it', async () => {
      const blocker = createServer();
      await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
      const taken = String((blocker.address() as AddressInfo).port);
      const free = { ...ports };
      for (const variable of Object.keys(free)) free[variable] = String(await freePort());
      expect(await complaint({ ...free, REDIS_PORT: taken })).to.match(
        new RegExp(`^port ${taken} is taken \\(redis: EADDRINUSE\\): .*REDIS_PORT.*REDIS_URL$`),
      );
      blocker.close();
    });

    it('are named all together when they are not found, each with the ways to get it', async () => {
      const line = await complaint({ PATH: folder.path });
      // Of those that can be chosen one was, and that is searched elsewhere as well.
      for (const { name, ways, addressVariable } of serverKinds.filter(({ choice }) => choice === undefined))
        expect(line).to.include(`${name} (${ways}; or ${addressVariable} names one that runs)`);
    });

    for (const [variable, address, says] of [
      ['CONSUL_HTTP_ADDR', 'consul here', /^CONSUL_HTTP_ADDR is 'consul here': /],
      ['REDIS_URL', 'localhost:6379', /^REDIS_URL is 'localhost:6379': give it as redis:/],
      ['REDIS_URL', 'redis://:hidden@127.0.0.1', /^REDIS_URL holds a password: /],
      ['POSTGRES_URL', '127.0.0.1:5432', /^POSTGRES_URL is '127.0.0.1:5432': give it as postgres:/],
      ['POSTGRES_URL', 'postgres://me:hidden@127.0.0.1', /^POSTGRES_URL holds a password: /],
      [
        'POSTGRES_URL',
        'postgres://127.0.0.1?sslmode=prefer',
        /^POSTGRES_URL has sslmode=prefer: use verify-full/,
      ],
      ['JAEGER_URL', 'jaeger', /^JAEGER_URL is 'jaeger': give a URL/],
      ['PROMETHEUS_URL', 'ftp://127.0.0.1', /^PROMETHEUS_URL is 'ftp:/],
    ] as const) {
      it(`refuse ${address} as ${variable} before anything has started`, async () => {
        expect(await complaint({ ...ports, [variable]: address })).to.match(says);
      });
    }
  });

  it('are taken where they run already, and left running', async () => {
    const other = await startTestRedis();
    try {
      const given = {
        CONSUL_HTTP_ADDR: servers.addresses['consul'],
        JAEGER_URL: servers.addresses['jaeger'],
        PROMETHEUS_URL: servers.addresses['prometheus'],
        REDIS_URL: other.url,
        POSTGRES_URL: servers.addresses['postgres'],
      };
      const empty = temporaryFolder();
      const taken = await start(given, empty.path);
      await taken.ready();
      expect(taken.status()).to.deep.equal([]);
      expect(taken.environment['REDIS_URL']).to.equal(other.url);
      await taken.stop();
      await other.kill();
      expect(await complaint(given)).to.match(/^REDIS_URL is .*, and no redis answers there: /);
      empty.remove();
    } finally {
      await other.end();
    }
  });

  for (const kind of busServerKinds) {
    it(`have ${kind.name} among them when it is the bus, on loopback, and leave nothing of it behind`, async () => {
      const other = temporaryFolder();
      // The others are taken from where they run.
      const given = {
        CONSUL_HTTP_ADDR: servers.addresses['consul'],
        JAEGER_URL: servers.addresses['jaeger'],
        PROMETHEUS_URL: servers.addresses['prometheus'],
        REDIS_URL: servers.addresses['redis'],
      };
      const begun = await start({ ...given, ...ports }, other.path, [kind.name]);
      try {
        await begun.ready();
        expect(begun.status().map(({ name }) => name)).to.deep.equal([kind.name]);
        const address = begun.environment[kind.addressVariable] ?? '';
        expect(address).to.equal(begun.addresses[kind.name]).and.to.include('127.0.0.1');
        expect(await kind.ready(address, AbortSignal.timeout(5_000))).to.equal(true);
        const bus = await openSharedBus(kind.name as SharedBus, {
          address,
          passwordFile: undefined,
          name: 'test',
          groupsOf: () => [],
          ambient: machineAmbient(),
          log: collectingLog(),
        });
        await bus.probe();
        await bus.close();
        // Given, it is taken, and no other is started.
        const taken = await start({ ...given, [kind.addressVariable]: address }, other.path, [kind.name]);
        await taken.ready();
        expect(taken.status()).to.deep.equal([]);
        await taken.stop();
      } finally {
        await begun.stop();
      }
      expect(processesOn(other.path)).to.deep.equal([]);
      for (const { variable, besides = [] } of kind.ports)
        for (const distance of [0, ...besides])
          expect(await listens(Number(ports[variable]) + distance), variable).to.equal(false);
      other.remove();
    }).timeout(180_000);
  }

  it('are missed in one line when the bus is chosen and not there', async () => {
    for (const kind of busServerKinds) {
      const problem = await complaint({ PATH: folder.path }, [kind.name]);
      expect(problem).to.include(
        `${kind.name} (${kind.ways}; or ${kind.addressVariable} names one that runs)`,
      );
    }
  });

  it('leave no process behind when they are stopped', async () => {
    const startedMs = performance.now();
    await servers.stop();
    expect(processesOn(folder.path)).to.deep.equal([]);
    // None had to be ended by force.
    expect(performance.now() - startedMs).to.be.lessThan(4_950);
  });
});

/** Processes that have a folder in their arguments. */
function processesOn(path: string): string[] {
  return execFileSync('ps', ['-e', '-o', 'pid,args', 'ww'], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })
    .split('\n')
    .filter((line) => line.includes(path));
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
