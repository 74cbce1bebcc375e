import { expect } from 'chai';
import { madeSpan, traceIdOf } from '../testing/made-span.js';
import { traceText } from './trace-text.js';

describe('trace text', () => {
  it('writes a purchase as a tree with times, services, the critical path, messages and errors', () => {
    const text = traceText([
      madeSpan({
        id: 1,
        service: 'gateway',
        name: 'POST /v1/orders',
        kind: 'server',
        durationMs: 120.44,
        attributes: { 'http.response.status_code': 201 },
      }),
      madeSpan({
        id: 2,
        parent: 1,
        service: 'order',
        name: 'PlaceOrder',
        kind: 'server',
        startMs: 2,
        durationMs: 100,
      }),
      madeSpan({
        id: 3,
        parent: 2,
        service: 'order',
        name: 'sqlite commit',
        kind: 'client',
        startMs: 90,
        durationMs: 11,
        attributes: { 'db.namespace': 'order' },
        events: [{ name: 'retry', atMs: 91, attributes: {} }],
        error: 'UNAVAILABLE',
      }),
      madeSpan({ id: 4, parent: 2, service: 'cart', name: 'GetCart', startMs: 3, durationMs: 4 }),
      madeSpan({
        id: 5,
        trace: 2,
        linked: [[1, 2]],
        service: 'notification',
        name: 'OrderPlaced',
        kind: 'consumer',
        startMs: 200,
        durationMs: 5,
        attributes: { 'messaging.destination.name': 'order' },
      }),
    ]);
    expect(text).to.equal(`2 traces: 5 spans, 4 services, 205.0 ms
   start   took
     0.0   120.4 * gateway  POST /v1/orders  server  status 201
     2.0   100.0 * └─ order  PlaceOrder  server
     3.0     4.0 *    ├─ cart  GetCart
    90.0    11.0 *    ├─ order  sqlite commit  client  in order  [retry]  ! UNAVAILABLE
   200.0     5.0 *    └─ ~ notification  OrderPlaced  consumer  topic order
`);
  });

  it('names the trace when there is one, and tells of a gap', () => {
    const text = traceText([madeSpan({ id: 1 }), madeSpan({ id: 2, parent: 9, startMs: 1 })]);
    expect(text).to.include(`trace ${traceIdOf(1)}: 2 spans, 1 service, 2.0 ms`);
    expect(text).to.match(/- {3}\(span 0{15}9 is not here/);
  });

  it('lets no control character of a name through to the terminal', () => {
    const text = traceText([
      madeSpan({ id: 1, name: 'a\u001b[31m\r\nb\u009b2J\u202e\u2028', error: '\u0007' }),
    ]);
    expect(text.split('\n')).to.have.length(4);
    expect(text.replaceAll('\n', '')).to.not.match(/[\p{Cc}\p{Cf}\u2028]/u);
  });

  it('says so when there is nothing', () => {
    expect(traceText([])).to.equal('no spans\n');
  });
});
