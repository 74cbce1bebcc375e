import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { machineAmbient } from '../../runtime/ambient.js';
import { keepCertificates } from '../../security/certificate-upkeep.js';
import { renewCertificates } from '../../security/development-ca.js';
import { type FollowedIdentity, followIdentity } from '../../security/followed-identity.js';
import { certificateOf } from '../../security/workload-identity.js';
import { collectingLog } from '../../testing/collecting-log.js';
import { eventually } from '../../testing/eventually.js';
import { type TemporaryFolder, temporaryFolder } from '../../testing/temporary-folder.js';
import { testContext } from '../../testing/test-context.js';
import { type VirtualClock, virtualClock } from '../../testing/virtual-clock.js';
import { createClient } from '../client.js';
import { createDispatch } from '../dispatch.js';
import { EchoDefinition, echoPolicies, echoService } from '../echo-contract.test.js';
import type { Wire } from '../wire.js';
import { grpcWire } from './channel-wire.js';
import { type GrpcServer, openGrpcServer } from './server.js';

const ambient = machineAmbient();
const dayMs = 86_400_000;
/** The handshakes go by the machine's clock: certificates of then must still hold now. */
const ageMs = 25 * dayMs;

describe('certificates that are renewed while the mesh runs', function () {
  this.timeout(20_000);
  const log = collectingLog();
  let folder: TemporaryFolder;
  let time: VirtualClock;
  let catalog: FollowedIdentity;
  let order: FollowedIdentity;
  let wires: Wire[];
  let server: GrpcServer;
  let ends: (() => void)[];

  beforeEach(async () => {
    folder = temporaryFolder();
    time = virtualClock({ startMs: Date.now() - ageMs });
    const renew = () => renewCertificates({ folder: folder.path, services: ['catalog', 'order'], ...time });
    await renew();
    const follow = (service: string) =>
      followIdentity({ folder: folder.path, service, ambient: time, log, everyMs: dayMs });
    catalog = follow('catalog');
    order = follow('order');
    ends = [
      keepCertificates({ ambient: time, log, renew, tell: () => undefined }),
      catalog.close,
      order.close,
    ];
    wires = [];
    server = await openGrpcServer({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'GRPC_PORT',
      methods: echoPolicies.values(),
      dispatch: createDispatch({
        contracts: [echoService({ say: async (request) => request })],
        policies: echoPolicies,
        ambient,
      }),
      identity: catalog,
    });
  });
  afterEach(async () => {
    for (const end of ends) end();
    for (const wire of wires) wire.close();
    await server.drain(0);
    folder.remove();
  });

  const numberOf = (identity: FollowedIdentity) =>
    certificateOf(identity.current().certificatePem)?.serialNumber;
  const wireTo = (port: number) => {
    const wire = grpcWire(`127.0.0.1:${port}`, { identity: order, callee: 'catalog' });
    wires.push(wire);
    return wire;
  };
  const clientOn = (wire: Wire) =>
    createClient(EchoDefinition, { wire, policies: echoPolicies, ambient, caller: 'order' });
  const monthLater = async () => {
    const before = [numberOf(catalog), numberOf(order)];
    await time.advance(ageMs);
    // Keys are made in their own time, which no clock of a test moves.
    await eventually(async () => {
      await time.advance(dayMs);
      return numberOf(catalog) !== before[0] && numberOf(order) !== before[1];
    });
  };

  it('fail no call, neither on connections that are open nor on new ones', async () => {
    const failures: string[] = [];
    let calls = 0;
    let going = true;
    const lasting = clientOn(wireTo(server.port));
    const worker = (call: () => Promise<unknown>) =>
      (async () => {
        while (going) {
          await call().catch((error: Error) => failures.push(error.message));
          calls += 1;
        }
      })();
    const workers = [
      worker(() => lasting.say({ text: 'hello' }, testContext())),
      worker(async () => {
        const wire = wireTo(server.port);
        await clientOn(wire).say({ text: 'hello' }, testContext());
        wire.close();
      }),
    ];
    await eventually(() => calls > 50);
    await monthLater();
    const then = calls;
    await eventually(() => calls > then + 100);
    going = false;
    await Promise.all(workers);
    expect(failures).to.deep.equal([]);
  });

  it('are shown by a server to the next who connects', async () => {
    const shown = async () => {
      const { caPem: ca, certificatePem: cert, keyPem: key } = order.current();
      const socket = connectTls({
        port: server.port,
        host: '127.0.0.1',
        ca,
        cert,
        key,
        ALPNProtocols: ['h2'],
      });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await shown();
    expect(before).to.equal(numberOf(catalog));
    await monthLater();
    expect(numberOf(catalog)).to.not.equal(before);
    expect(await shown()).to.equal(numberOf(catalog));
  });

  it('are shown by a channel that is open when it connects again', async () => {
    const { caPem: ca, certificatePem: cert, keyPem: key } = catalog.current();
    const callee: Http2SecureServer = createSecureServer({ ca, cert, key, requestCert: true });
    const shown: string[] = [];
    const sessions: ServerHttp2Session[] = [];
    callee.on('session', (session) => {
      sessions.push(session);
      shown.push((session.socket as TLSSocket).getPeerCertificate().serialNumber);
    });
    ends.push(() => {
      for (const session of sessions) session.destroy();
      callee.close();
    });
    callee.listen(0, '127.0.0.1');
    await once(callee, 'listening');
    const client = clientOn(wireTo((callee.address() as AddressInfo).port));
    const call = () => void client.say({}, testContext(), { deadlineMs: 500 }).catch(() => undefined);
    call();
    await eventually(() => shown.length === 1);
    const before = numberOf(order);
    await monthLater();
    sessions[0]?.destroy();
    await eventually(() => {
      call();
      return shown.length > 1;
    });
    expect(shown.slice(0, 2)).to.deep.equal([before, numberOf(order)]);
  });
});
