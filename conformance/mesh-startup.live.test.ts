import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { eventually } from '../mesh/testing/eventually.js';
import { freePort } from '../mesh/testing/free-port.js';
import { startTestPostgres } from '../mesh/testing/postgres-server.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { complaintOf } from './complaint.js';
import { startMesh } from './mesh-process.js';
import { type MeshmartRun, runMeshmart } from './shop-process.js';

const portVariables = [
  'PORT',
  'GRPC_PORT',
  'ADMIN_PORT',
  'CONSUL_PORT',
  'REDIS_PORT',
  'JAEGER_PORT',
  'OTLP_GRPC_PORT',
  'OTLP_HTTP_PORT',
  'JAEGER_THRIFT_PORT',
  'PROMETHEUS_PORT',
] as const;

describe('meshmart up --shape processes', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let blocker: Server | undefined;
  let environment: Record<string, string>;
  const up = ['up', '--shape', 'processes'];

  beforeEach(async () => {
    folder = temporaryFolder();
    environment = { MESHMART_DATA: join(folder.path, 'data') };
    for (const variable of portVariables) environment[variable] = String(await freePort());
  });
  afterEach(() => {
    blocker?.close();
    blocker = undefined;
    expect(processesOf(folder.path)).to.deep.equal([]);
    folder.remove();
  });

  const take = async (port: number) => {
    const server = createServer();
    blocker = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  };

  for (const variable of portVariables) {
    it(`names ${variable} in one line when its port is taken`, async () => {
      await take(Number(environment[variable]));
      expect(await complaintOf(up, environment)).to.match(
        new RegExp(`port ${environment[variable]} is taken.*${variable}`),
      );
    });
  }

  for (const [what, variable, distance] of [
    ["Consul's port between servers", 'CONSUL_PORT', -200],
    ["Consul's port for gossip", 'CONSUL_PORT', -199],
    ["Jaeger's gRPC port", 'JAEGER_PORT', -1],
  ] as const) {
    it(`names ${variable} in one line when ${what} is taken`, async () => {
      const port = Number(environment[variable]) + distance;
      await take(port);
      expect(await complaintOf(up, environment)).to.match(new RegExp(`port ${port} is taken.*${variable}`));
    });
  }

  for (const [variable, scheme] of [
    ['CONSUL_HTTP_ADDR', 'http'],
    ['REDIS_URL', 'redis'],
    ['JAEGER_URL', 'http'],
    ['PROMETHEUS_URL', 'http'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http'],
    ['OTEL_EXPORTER_JAEGER_ENDPOINT', 'http'],
  ] as const) {
    it(`names ${variable} in one line when it is no address`, async () => {
      expect(await complaintOf(up, { ...environment, [variable]: 'ftp://nowhere' })).to.match(
        new RegExp(`${variable} is 'ftp://nowhere': `),
      );
    });

    it(`names ${variable} in one line when nobody answers there`, async () => {
      const address = `${scheme}://127.0.0.1:${await freePort()}`;
      expect(await complaintOf(up, { ...environment, [variable]: address })).to.match(
        new RegExp(`${variable} is '${address}', and (no|nobody)`),
      );
    });
  }

  for (const [what, settings, says] of [
    ['a port that is no number', { CONSUL_PORT: 'eighty' }, /CONSUL_PORT is 'eighty'/],
    ['a port that leaves no room for others', { CONSUL_PORT: '100' }, /consul would need port -100/],
    ['an unknown exporter', { TRACES_EXPORTER: 'zipkin' }, /TRACES_EXPORTER is 'zipkin'/],
    ['an unknown log level', { LOG_LEVEL: 'loud' }, /LOG_LEVEL is 'loud'/],
    ['a setting of a service that is wrong', { ORDER_ANSWER_WITHIN_MS: 'soon' }, /ORDER_ANSWER_WITHIN_MS/],
  ] as const) {
    it(`refuses ${what} in one line`, async () => {
      expect(await complaintOf(up, { ...environment, ...settings })).to.match(says);
    });
  }

  for (const [scale, says] of [
    ['catlog=2', /catlog/],
    ['catalog=many', /catalog=many/],
    ['catalog=0', /asks for 0 of catalog/],
    ['catalog=1000', /catalog=1000/],
  ] as const) {
    it(`refuses --scale ${scale} in one line`, async () => {
      expect(await complaintOf([...up, '--scale', scale], environment)).to.match(says);
    });
  }

  describe('--store postgres', () => {
    const withPostgres = [...up, '--store', 'postgres'];
    beforeEach(async () => {
      // As root it runs as another user, who must be able to get here.
      chmodSync(folder.path, 0o711);
      environment['POSTGRES_PORT'] = String(await freePort());
    });

    it('names POSTGRES_PORT in one line when its port is taken', async () => {
      await take(Number(environment['POSTGRES_PORT']));
      expect(await complaintOf(withPostgres, environment)).to.match(
        /port \d+ is taken \(postgres: EADDRINUSE\).*POSTGRES_PORT.*POSTGRES_URL/,
      );
    });

    for (const [what, settings, says] of [
      ['a port that is no number', { POSTGRES_PORT: 'five' }, /POSTGRES_PORT is 'five'/],
      [
        'an address that is none',
        { POSTGRES_URL: 'ftp://nowhere' },
        /POSTGRES_URL is 'ftp:\/\/nowhere': give it as/,
      ],
      [
        'a password in the address',
        { POSTGRES_URL: 'postgres://me:hidden@h' },
        /POSTGRES_URL holds a password: put it/,
      ],
      [
        'an address where nobody answers',
        { POSTGRES_URL: 'postgres://127.0.0.1:1' },
        /1', and no postgres answers there/,
      ],
    ] as const) {
      it(`refuses ${what} in one line`, async () => {
        const line = await complaintOf(withPostgres, { ...environment, ...settings });
        expect(line).to.match(says).and.not.include('hidden');
      });
    }

    it('refuses a password that is not there, and one that is wrong', async () => {
      const server = await startTestPostgres();
      try {
        const named = { ...environment, POSTGRES_URL: server.url };
        const missing = { ...named, POSTGRES_PASSWORD_FILE: '/nowhere' };
        expect(await complaintOf(withPostgres, missing)).to.match(
          /POSTGRES_PASSWORD_FILE names \/nowhere, which is not/,
        );
        const wrong = { ...named, POSTGRES_PASSWORD_FILE: folder.write('wrong', 'hidden') };
        expect(await complaintOf(withPostgres, wrong))
          .to.match(/PostgreSQL at 127\.0\.0\.1:\d+ can't be used \(password authentication failed/)
          .and.not.include('hidden');
      } finally {
        await server.end();
      }
    });

    it('refuses a store that does not exist, and one that the shape can not have', async () => {
      expect(await complaintOf([...up, '--store', 'mysql'], environment)).to.match(
        /no store 'mysql': use one of sqlite, postgres/,
      );
      expect(await complaintOf(['up', '--store', 'postgres'], environment)).to.match(
        /--store postgres needs processes/,
      );
    });
  });

  for (const [bus, settings, says] of [
    ['pigeon', {}, /there is no bus 'pigeon': use one of redis, rabbitmq, kafka/],
    ['rabbitmq', { RABBITMQ_URL: 'ftp://nowhere' }, /RABBITMQ_URL is 'ftp:\/\/nowhere': /],
    ['rabbitmq', { RABBITMQ_URL: 'amqp://shop:hidden@127.0.0.1' }, /RABBITMQ_URL holds a password: /],
    ['kafka', { KAFKA_BROKERS: 'nowhere' }, /KAFKA_BROKERS is 'nowhere': /],
    ['kafka', { KAFKA_PORT: '65535' }, /kafka would need port 65536 with this KAFKA_PORT/],
  ] as const) {
    it(`refuses --bus ${bus} ${Object.values(settings).join('')} in one line`, async () => {
      expect(await complaintOf([...up, '--bus', bus], { ...environment, ...settings })).to.match(says);
    });
  }

  it('refuses --bus in one process, where there is nothing to carry', async () => {
    expect(await complaintOf(['up', '--bus', 'kafka'], environment)).to.match(/--bus needs processes: /);
  });

  it('refuses a shape that does not exist', async () => {
    expect(await complaintOf(['up', '--shape', 'swarm'], environment)).to.match(/no shape 'swarm'/);
  });

  it('says for each missing server how to get it, in one line', async () => {
    const line = await complaintOf(up, { ...environment, PATH: '/nowhere' });
    for (const [name, variable] of [
      ['consul', 'CONSUL_HTTP_ADDR'],
      ['redis', 'REDIS_URL'],
      ['jaeger', 'JAEGER_URL'],
      ['prometheus', 'PROMETHEUS_URL'],
    ])
      expect(line).to.match(new RegExp(`${name} \\([^)]*docker compose up ${name}[^)]*${variable}`));
  });

  it('refuses a manifest that calls a method that does not exist', async () => {
    const root = join(folder.path, 'package');
    copyPackage(root);
    const manifest = join(root, 'services', 'order', 'service.yaml');
    const text = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, text.replace('PaymentService/Capture', 'PaymentService/Steal'));
    expect(await complaintOf(up, environment, root)).to.match(
      /order\/service\.yaml: calls names 'meshmart\.payment\.v1\.PaymentService\/Steal', which no contract has/,
    );
  });

  describe('that still starts', () => {
    let run: MeshmartRun;
    beforeEach(async () => {
      run = runMeshmart(up, environment, { ownGroup: true });
      await eventually(() => expect(processesOf(folder.path).length, run.output()).to.be.greaterThan(8), {
        withinMs: 30_000,
        what: 'servers and instances to be there',
      });
    });
    afterEach(() => run.child.kill('SIGKILL'));
    const nothingLeft = () =>
      eventually(() => expect(processesOf(folder.path)).to.deep.equal([]), {
        withinMs: 15_000,
        everyMs: 50,
        what: 'nothing to be left',
      });

    it('leaves nothing after Ctrl-C', async () => {
      process.kill(-(run.child.pid ?? 0), 'SIGINT');
      expect(await run.exited, run.output()).to.equal(0);
      await nothingLeft();
    });

    it('ends at once after Ctrl-C, pressed twice, and leaves nothing', async () => {
      process.kill(-(run.child.pid ?? 0), 'SIGINT');
      await eventually(() => expect(run.output()).to.include('again to end at once'));
      process.kill(-(run.child.pid ?? 0), 'SIGINT');
      expect(await run.exited, run.output()).to.equal(130);
      await nothingLeft();
    });

    it('is awaited by meshmart down, and stopped', async () => {
      const down = runMeshmart(['down', '--wait', '40'], environment);
      expect(await down.exited, down.output()).to.equal(0);
      expect(down.output()).to.equal('stopped\n');
      expect(await run.exited, run.output()).to.equal(0);
      await nothingLeft();
    });

    it('leaves its servers to meshmart down when it is killed itself', async () => {
      run.child.kill('SIGKILL');
      await run.exited;
      const down = runMeshmart(['down'], environment);
      expect(await down.exited, down.output()).to.equal(0);
      expect(down.output()).to.match(/^nothing runs on /);
      await nothingLeft();
    });
  });

  it('refuses a second mesh on one data folder, starts no Jaeger where spans go elsewhere, and leaves nothing after Ctrl-C', async () => {
    const collector = await import('node:http').then(({ createServer: http }) =>
      http((request, response) => {
        request.resume();
        response.writeHead(request.method === 'POST' ? 200 : 405).end();
      }),
    );
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(collector.address() as { port: number }).port}`;
    const mesh = await startMesh({
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
      ownGroup: true,
    });
    try {
      expect(await complaintOf(up, { ...environment, MESHMART_DATA: mesh.dataFolder })).to.match(
        /another mesh holds the data folder .*process \d+.*: stop it with meshmart down/,
      );
      const { addresses } = await mesh.untilAllServe();
      expect(addresses).to.include.keys('consul', 'redis', 'prometheus').and.not.include.keys('jaeger');
      expect(processesOf(mesh.dataFolder).filter((line) => line.includes('jaeger'))).to.deep.equal([]);
      expect(await mesh.interrupt(), mesh.output()).to.equal(0);
      await eventually(() => expect(processesOf(mesh.dataFolder)).to.deep.equal([]));
    } finally {
      await mesh.end();
      collector.closeAllConnections();
      collector.close();
    }
  });
});

/** Command lines of processes that work in a folder. */
function processesOf(path: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const words = [
        readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
        readFileSync(`/proc/${pid}/environ`, 'utf8'),
      ].join(' ');
      return words.includes(path) ? [words.replaceAll('\0', ' ').slice(0, 200)] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** What runs of the package, in a folder of its own where it may be spoilt. */
function copyPackage(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const part of ['dist', 'package.json', 'services', join('proto', 'image.binpb')])
    cpSync(join(packageRoot(), part), join(root, part), { recursive: true });
  symlinkSync(join(packageRoot(), 'node_modules'), join(root, 'node_modules'));
}
