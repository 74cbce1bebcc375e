import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { expectStatus, fillCart, newBuyer, request } from '../../conformance/buyer.js';
import { openDataFolder, readRun } from '../runtime/data-folder.js';
import type { Environment } from '../runtime/setting.js';
import { eventually } from '../testing/eventually.js';
import { freePort } from '../testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { startOneProcess } from './one-process.js';
import type { RunningMesh } from './running-mesh.js';

type PortName = 'PORT' | 'GRPC_PORT' | 'ADMIN_PORT';

/** Whether something listens there. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The process of a witness that this process has started. */
function childRunning(witness: string): number {
  const found = execFileSync('ps', ['-e', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, parent, ...args]) => parent === String(process.pid) && args.join(' ').includes(witness));
  if (found === undefined) throw new Error(`no ${witness} runs`);
  return Number(found[0]);
}

/** How many children run and how many sockets listen in this process. */
function held(): { children: number; listeners: number } {
  const kinds = process.getActiveResourcesInfo();
  const count = (wanted: string) => kinds.filter((kind) => kind === wanted).length;
  return { children: count('ProcessWrap'), listeners: count('TCPServerWrap') };
}

/** Databases that were not closed: closing writes everything into the file itself and empties the log beside it. */
function unclosedDatabases(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.db-wal') && statSync(join(folder, file)).size > 0,
  );
}

describe('the shop in one process', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let ports: Record<PortName, number>;
  let blocker: Server | undefined;
  let running: RunningMesh | undefined;
  let heldBefore: ReturnType<typeof held>;
  beforeEach(async () => {
    folder = temporaryFolder();
    heldBefore = held();
    ports = { PORT: await freePort(), GRPC_PORT: await freePort(), ADMIN_PORT: await freePort() };
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
    blocker?.close();
    blocker = undefined;
    folder.remove();
  });

  const environment = (changed: Environment = {}): Environment => ({
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
    ...changed,
  });
  const start = async (changed: Environment = {}) => {
    running = await startOneProcess({ dataFolder: folder.path, environment: environment(changed) });
    return running;
  };
  const block = async (port: number) => {
    const server = createServer();
    blocker = server;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    heldBefore = { ...heldBefore, listeners: heldBefore.listeners + 1 };
  };
  const complaint = (changed: Environment = {}) =>
    start(changed).then(
      () => 'it started',
      (error: unknown) => {
        // By name: services are loaded by address, which gives them a copy of the class when run from source.
        expect((error as Error).name, String(error)).to.equal('StartupError');
        expect((error as Error).message).not.to.contain('\n');
        return (error as Error).message;
      },
    );
  /** Nothing listens, no program runs, every database is closed, and the data folder is free. */
  const expectNothingLeft = async (except?: PortName) => {
    for (const [name, port] of Object.entries(ports)) {
      if (name !== except) expect(await listens(port), `${name} listens`).to.equal(false);
    }
    await eventually(() => {
      expect(held().children).to.be.at.most(heldBefore.children);
      expect(held().listeners).to.be.at.most(heldBefore.listeners);
    });
    expect(unclosedDatabases(folder.path)).to.deep.equal([]);
    expect(readRun(folder.path)).to.equal(undefined);
    openDataFolder(folder.path).release();
  };

  it('listens, is ready, and tells where; stopped, it leaves nothing; stopped again, it does nothing', async () => {
    const mesh = await start();
    for (const port of Object.values(ports)) expect(await listens(port)).to.equal(true);
    expect(held().children).to.equal(heldBefore.children + 2);
    expect(unclosedDatabases(folder.path)).to.include(join('order', 'order.db-wal'));
    expect(mesh.addresses).to.include({
      httpUrl: `http://127.0.0.1:${ports.PORT}`,
      grpcAddress: `127.0.0.1:${ports.GRPC_PORT}`,
      adminUrl: `http://127.0.0.1:${ports.ADMIN_PORT}`,
    });
    expect((await fetch(`${mesh.addresses.adminUrl}/readyz`)).status).to.equal(200);
    expect(readRun(folder.path)).to.deep.include({ pid: process.pid, httpUrl: mesh.addresses.httpUrl });
    await mesh.stop();
    await expectNothingLeft();
    await mesh.stop();
    await expectNothingLeft();
  });

  it('sells again within seconds after kill -9 of the card processor, which is told of and goes on from its ledger', async () => {
    const lines: string[] = [];
    running = await startOneProcess({
      dataFolder: folder.path,
      environment: environment(),
      tell: (line) => lines.push(line),
    });
    const { httpUrl, cardProcessorUrl } = running.addresses;
    const buyer = await newBuyer(httpUrl);
    const { body } = await request(httpUrl, 'GET', '/v1/products?pageSize=1');
    const purchase = async (key: string) => {
      const order = await fillCart(buyer, body.products[0].id);
      return buyer.call('POST', '/v1/orders', order, { 'idempotency-key': key });
    };
    await expectStatus(purchase('before'), 201);
    process.kill(childRunning('card-processor'), 'SIGKILL');
    await eventually(() => lines.length > 0);
    const beganMs = performance.now();
    // What is placed while it is away is decided late, but it is decided.
    const placed = await purchase('meanwhile');
    expect(placed.status).to.be.oneOf([201, 202]);
    await eventually(
      async () => {
        const { body: now } = await buyer.call('GET', `/v1/orders/${placed.body.order.id}`);
        expect(now.order.state).to.equal('ORDER_STATE_SHIPPED');
      },
      { withinMs: 10_000 },
    );
    await expectStatus(purchase('after'), 201);
    expect(performance.now() - beganMs).to.be.below(10_000);
    expect(lines).to.deep.equal(['card-processor ended (killed); it starts again in 100 ms']);
    await eventually(async () => {
      const ledger = (await (await fetch(`${cardProcessorUrl}/v1/ledger`)).json()) as {
        entries: { type: string }[];
      };
      expect(ledger.entries.filter(({ type }) => type === 'captured')).to.have.length(3);
    });
  });

  it('starts on the folder on which another start has failed', async () => {
    await block(ports.PORT);
    await complaint();
    blocker?.close();
    blocker = undefined;
    const mesh = await start();
    expect((await fetch(`${mesh.addresses.adminUrl}/readyz`)).status).to.equal(200);
  });

  describe('that can not start undoes all it has done:', () => {
    for (const name of ['PORT', 'GRPC_PORT', 'ADMIN_PORT'] as const) {
      it(`${name} is taken`, async () => {
        await block(ports[name]);
        expect(await complaint()).to.match(new RegExp(`^port ${ports[name]} is taken.*${name}`));
        await expectNothingLeft(name);
      });
    }

    const wrong: [what: string, settings: Environment, says: RegExp][] = [
      ['a port is none', { ADMIN_PORT: 'x' }, /^ADMIN_PORT is 'x'/],
      ['a setting of a service is wrong', { USERS_HASHES_AT_ONCE: '0' }, /^USERS_HASHES_AT_ONCE is '0'/],
      ['the log level is unknown', { LOG_LEVEL: 'loud' }, /^LOG_LEVEL is 'loud'/],
      ['the exporter is unknown', { TRACES_EXPORTER: 'zipkin' }, /^TRACES_EXPORTER is 'zipkin'/],
      [
        'one of the witnesses does not start',
        { MAIL_SINK_SMTP_PORT: 'x' },
        /^mail-sink did not start: .*MAIL_SINK_SMTP_PORT is 'x'/,
      ],
    ];
    for (const [what, settings, says] of wrong) {
      it(what, async () => {
        expect(await complaint(settings)).to.match(says);
        await expectNothingLeft();
      });
    }

    it('a secret can be read by others', async () => {
      mkdirSync(join(folder.path, 'secrets'));
      const secret = folder.write('secrets/payment-vault-key', 'k'.repeat(32));
      chmodSync(secret, 0o644);
      expect(await complaint()).to.match(/payment-vault-key can be read by others: run chmod 600/);
      await expectNothingLeft();
    });

    it('a database is none', async () => {
      mkdirSync(join(folder.path, 'shipping'));
      writeFileSync(join(folder.path, 'shipping', 'shipping.db'), 'this is no database, however long it is');
      expect(await complaint()).to.match(/shipping\.db can't be opened/);
      await expectNothingLeft();
    });
  });

  it('that is refused a folder leaves the shop alone that runs there', async () => {
    const mesh = await start();
    const other = await startOneProcess({
      dataFolder: folder.path,
      environment: environment({ PORT: '0', GRPC_PORT: '0', ADMIN_PORT: '0' }),
    }).then(
      () => 'it started',
      (error: Error) => error.message,
    );
    expect(other).to.match(/^another mesh holds the data folder/);
    expect((await fetch(`${mesh.addresses.httpUrl}/readyz`)).status).to.equal(200);
    expect(readRun(folder.path)?.pid).to.equal(process.pid);
  });
});
