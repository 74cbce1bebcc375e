import { type ClientHttp2Session, connect } from 'node:http2';
import { expect } from 'chai';
import { loadContract } from '../contract/image.js';
import { readPolicies } from '../contract/policy.js';
import type { GrpcServer } from '../rpc/grpc/server.js';
import type { Readiness } from '../runtime/edge.js';
import { StartupError } from '../runtime/startup-error.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import { openFrontPort } from './front-port.js';
import { readImage } from './package-files.js';
import { createReadinessWatch, type ReadinessWatch } from './readiness.js';

const contract = loadContract(readImage());
const policies = readPolicies(contract);

describe('health at the front port', () => {
  let time: VirtualClock;
  let down: ReadonlySet<string>;
  let readiness: ReadinessWatch;
  let front: GrpcServer;
  let session: ClientHttp2Session;

  const open = (port: number) =>
    openFrontPort({
      ports: { host: '127.0.0.1', http: 0, grpc: port, adminHost: '127.0.0.1', admin: 0 },
      contract,
      policies,
      dispatch: () => Promise.reject(new Error('no method is called here')),
      readiness,
      served: ['meshmart.cart.v1.CartService', 'meshmart.recommendation.v1.RecommendationService'],
    });

  beforeEach(async () => {
    time = virtualClock();
    down = new Set();
    readiness = createReadinessWatch(time, async (): Promise<Readiness> => {
      const services = ['cart', 'recommendation'].map((name) => ({
        name,
        criticality: name === 'cart' ? ('required' as const) : ('optional' as const),
        serving: !down.has(name),
        problem: undefined,
      }));
      return { ready: !down.has('cart'), services };
    });
    front = await open(0);
    session = connect(`http://127.0.0.1:${front.port}`);
  });
  afterEach(async () => {
    session.destroy();
    readiness.stop();
    await front.drain(0);
  });

  /** The status that Check tells of a service: SERVING is 1, NOT_SERVING 2; or the number of the gRPC error. */
  const check = (service: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const name = Buffer.from(service);
      const message = service === '' ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const chunks: Buffer[] = [];
      let grpcStatus: unknown;
      stream.on('response', (headers) => {
        grpcStatus = headers['grpc-status'];
      });
      stream.on('trailers', (trailers) => {
        grpcStatus = trailers['grpc-status'];
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        const answer = Buffer.concat(chunks).subarray(5);
        resolve(answer.length === 0 ? `error ${String(grpcStatus)}` : `status ${answer[1]}`);
      });
      stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
    });

  it('tells the truth at the first question', async () => {
    expect(await check('')).to.equal('status 1');
    expect(await check('meshmart.cart.v1.CartService')).to.equal('status 1');
  });

  it('tells the truth a second later though nobody watched in between', async () => {
    expect(await check('')).to.equal('status 1');
    down = new Set(['cart']);
    await time.advance(1_000);
    expect(await check('')).to.equal('status 2');
    expect(await check('meshmart.cart.v1.CartService')).to.equal('status 2');
    down = new Set();
    await time.advance(1_000);
    expect(await check('')).to.equal('status 1');
  });

  it('tells each service apart, and all are well without an optional one', async () => {
    down = new Set(['recommendation']);
    expect(await check('meshmart.recommendation.v1.RecommendationService')).to.equal('status 2');
    expect(await check('meshmart.cart.v1.CartService')).to.equal('status 1');
    expect(await check('')).to.equal('status 1');
  });

  it('is NOT_FOUND for a service that does not run here', async () => {
    expect(await check('meshmart.order.v1.OrderService')).to.equal('error 5');
  });

  it('is NOT_SERVING from the moment in which the process stops', async () => {
    expect(await check('')).to.equal('status 1');
    readiness.notServing();
    expect(await check('')).to.equal('status 2');
  });

  it('can not be had at a port that is taken, which is named with its variable', async () => {
    const refused = await open(front.port).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).to.be.instanceOf(StartupError);
    expect((refused as Error).message).to.match(new RegExp(`port ${front.port} is taken .*GRPC_PORT`));
  });
});
