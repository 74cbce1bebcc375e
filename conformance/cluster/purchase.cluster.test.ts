import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { expectStatus, fillCart, newBuyer, request } from '../buyer.js';
import { isFinal } from '../careful-buyer.js';
import { linesOf, runLines } from '../readme-lines.js';
import { astray } from './astray.js';
import { type Edge, findEdge } from './edge.js';
import { expectMeshTrace } from './mesh-trace.js';
import { addressOf, untilSettled } from './pods.js';

describe('a purchase on the cluster, through the edge', function () {
  this.timeout(240_000);
  let edge: Edge;

  before(async () => {
    edge = await findEdge();
  });

  /** What the README says of this machine, said of the edge. */
  const atTheEdge = (lines: string) =>
    lines
      .replaceAll(/http:\/\/localhost:\$\{PORT:-8080\}/g, edge.httpUrl)
      .replaceAll(/localhost:\$\{GRPC_PORT:-50051\}/g, edge.grpcAddress);

  for (const block of ['curl', 'grpcurl']) {
    it(`goes by the README's ${block} lines, to the end of the order`, async () => {
      const lines = atTheEdge(linesOf(block));
      expect(lines).to.not.contain('localhost');
      const printed = await runLines(lines);
      expect(printed).to.match(/ORDER_STATE_SHIPPED/);
    });
  }

  it('leaves one trace: program and sidecars of every hop in line, one name a service', async () => {
    const buyer = await newBuyer(edge.httpUrl);
    const { body } = await request(edge.httpUrl, 'GET', '/v1/products?pageSize=1');
    const order = await fillCart(buyer, body.products[0].id);
    const placed = await buyer.call('POST', '/v1/orders', order, { 'idempotency-key': 'traced' });
    expect(placed.status, placed.text).to.be.oneOf([201, 202]);
    await eventually(
      async () => {
        const answer = await expectStatus(buyer.call('GET', `/v1/orders/${placed.body.order.id}`), 200);
        return isFinal(answer.body.order.state);
      },
      { withinMs: 30_000, everyMs: 100, what: 'the order to be final' },
    );
    const jaeger = await addressOf('jaeger-collector', 'observability');
    await expectMeshTrace(`http://${jaeger}:16686`, placed.headers.get('x-trace-id') ?? '');
  });

  // Before anybody has attacked anything: a sidecar sends what its service has not declared nowhere, and notes it.
  it('makes no service try to reach what it has not declared', async () => {
    await untilSettled();
    expect(await astray()).to.deep.equal([]);
  });
});
