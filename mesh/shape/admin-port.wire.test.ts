import type { IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import { expect } from 'chai';
import type { DeadLetterQueues, ShownDeadLetter } from '../bus/dead-letter-queues.js';
import { MeshError } from '../contract/error.js';
import type { Readiness } from '../runtime/edge.js';
import { StartupError } from '../runtime/startup-error.js';
import { madeSpan } from '../testing/made-span.js';
import { refusalOf } from './admin-access.js';
import { type AdminPort, type AdminSources, openAdminPort, type StatusReport } from './admin-port.js';

const status: StatusReport = {
  version: '1.2.3',
  shape: 'one-process',
  pid: 4711,
  startedAt: '2026-01-01T00:00:00.000Z',
  ready: true,
  addresses: { rest: 'http://127.0.0.1:8080' },
  services: [],
  deadLetters: {},
};
const token = 'the-token-of-the-data-folder';
const letter: ShownDeadLetter = {
  group: 'cart',
  id: 'order-1-x',
  topic: 'order',
  type: 'meshmart.order.v1.OrderPlaced',
  key: 'ord_1',
  attempts: 8,
  lastError: 'Error: no',
  occurredAtMs: 1,
  failedAtMs: 2,
  traceId: null,
  message: { orderId: 'ord_1' },
  unreadable: null,
  bytes: 7,
};
const notThere = (group: string, id: string) =>
  new MeshError({
    code: 'NOT_FOUND',
    reason: 'CONFLICT',
    message: `${group} has no dead letter ${id}: list them first`,
  });

describe('the admin port', () => {
  let port: AdminPort;
  let readiness: Readiness;
  let changed: Partial<AdminSources>;
  let replayed: string[];
  beforeEach(async () => {
    readiness = { ready: true, services: [] };
    changed = {};
    replayed = [];
    const queues: DeadLetterQueues = {
      counts: async () => ({ cart: 1 }),
      list: async () => [letter],
      show: async (group, id) => {
        if (id !== letter.id) throw notThere(group, id);
        return letter;
      },
      replay: async (group, id) => {
        if (id !== letter.id) throw notThere(group, id);
        replayed.push(`${group} ${id}`);
      },
    };
    const sources: AdminSources = {
      metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
      readiness: async () => readiness,
      status: async () => status,
      spansOfOrder: (id) => [madeSpan({ id: 1, name: `order ${id}` })],
      spansOfTrace: (id) => [madeSpan({ id: 2, name: `trace ${id}` })],
      recentSpans: (limit) => [madeSpan({ id: 3, name: `recent ${limit}` })],
      edges: () => [],
      deadLetters: { queues, token },
    };
    port = await openAdminPort(
      '127.0.0.1',
      0,
      new Proxy(sources, { get: (own, name) => ({ ...own, ...changed })[name as keyof AdminSources] }),
    );
  });
  afterEach(() => port.close());

  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${port.url}${path}`, init);
    return { response, text: await response.text() };
  };
  const names = async (path: string) =>
    (JSON.parse((await get(path)).text) as { spans: { name: string }[] }).spans.map(({ name }) => name);
  /** What comes back for these very bytes, until the far end closes or a second has passed. */
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(port.url).port), '127.0.0.1');
      let answer = '';
      const end = () => {
        clearTimeout(timer);
        socket.destroy();
        resolve(answer);
      };
      const timer = setTimeout(end, 1_000);
      socket.on('data', (chunk) => {
        answer += chunk.toString();
        if (/\r\n\r\n/.test(answer)) end();
      });
      socket.on('error', end).on('close', end);
      socket.write(bytes);
    });
  const statusOf = async (bytes: string) => (await raw(bytes)).split('\r\n')[0];
  const isAlive = async () => expect((await get('/healthz')).response.status).to.equal(200);

  it('shows metrics as they are', async () => {
    const { response, text } = await get('/metrics');
    expect(response.headers.get('content-type')).to.equal('text/plain; version=0.0.4');
    expect(text).to.equal('up 1\n');
  });

  it('is alive although nothing is ready', async () => {
    readiness = { ready: false, services: [] };
    expect((await get('/healthz')).response.status).to.equal(200);
  });

  it('is ready with 200 and not ready with 503, and tells the services', async () => {
    expect((await get('/readyz')).response.status).to.equal(200);
    readiness = {
      ready: false,
      services: [{ name: 'cart', criticality: 'required', serving: false, problem: 'disk full' }],
    };
    const { response, text } = await get('/readyz');
    expect(response.status).to.equal(503);
    expect(JSON.parse(text)).to.deep.equal(readiness);
  });

  it('shows what runs, never from a cache', async () => {
    const { response, text } = await get('/status');
    expect(JSON.parse(text)).to.deep.equal(status);
    expect(response.headers.get('cache-control')).to.equal('no-store');
  });

  it('shows the spans of an order, of a trace, or the last 200', async () => {
    expect(await names('/traces?order=ord_1')).to.deep.equal(['order ord_1']);
    expect(await names('/traces?traceId=abc')).to.deep.equal(['trace abc']);
    expect(await names('/traces')).to.deep.equal(['recent 200']);
    expect(await names('/traces?order=%00%FF&order=x')).to.deep.equal(['order \0\ufffd']);
  });

  it('answers HEAD without a body', async () => {
    const { response, text } = await get('/status', { method: 'HEAD' });
    expect(response.status).to.equal(200);
    expect(text).to.equal('');
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    it(`refuses ${method}: it only reads`, async () => {
      const { response } = await get('/status', { method });
      expect(response.status).to.equal(405);
      expect(response.headers.get('allow')).to.equal('GET, HEAD');
      expect(response.headers.get('content-type')).to.equal('application/problem+json');
    });
  }

  describe('of dead letters', () => {
    const headers = { authorization: `Bearer ${token}` };
    const of = (id: string) => `?group=cart&id=${id}`;

    it('lists and shows them to an operator, and replays one', async () => {
      const listed = await get('/dead-letters', { headers });
      expect(JSON.parse(listed.text)).to.deep.equal({ deadLetters: [letter] });
      const shown = await get(`/dead-letters/message${of(letter.id)}`, { headers });
      expect(JSON.parse(shown.text)).to.deep.equal(letter);
      const { response } = await get(`/dead-letters/replay${of(letter.id)}`, { headers, method: 'POST' });
      expect(response.status).to.equal(200);
      expect(replayed).to.deep.equal(['cart order-1-x']);
    });

    it('tells nobody else, and replays for nobody else', async () => {
      const strangers: (RequestInit & { headers?: Record<string, string> })[] = [
        {},
        { headers: { authorization: `Bearer ${token}x` } },
        { headers: { authorization: `Basic ${token}` } },
        { headers: { authorization: token } },
        { headers: { cookie: `authorization=Bearer ${token}` } },
      ];
      for (const stranger of strangers) {
        for (const path of ['/dead-letters', `/dead-letters/message${of(letter.id)}`]) {
          const { response, text } = await get(path, stranger);
          expect(response.status, JSON.stringify(stranger)).to.equal(401);
          expect(text).to.not.include('order-1-x');
        }
        const { response } = await get(`/dead-letters/replay${of(letter.id)}`, {
          ...stranger,
          method: 'POST',
        });
        expect(response.status).to.equal(401);
      }
      expect(replayed).to.deep.equal([]);
    });

    it('replays by POST alone, and shows by GET alone', async () => {
      const replay = await get(`/dead-letters/replay${of(letter.id)}`, { headers });
      expect(replay.response.status).to.equal(405);
      expect(replay.response.headers.get('allow')).to.equal('POST');
      const list = await get('/dead-letters', { headers, method: 'POST' });
      expect(list.response.status).to.equal(405);
      expect(list.response.headers.get('allow')).to.equal('GET');
      expect(replayed).to.deep.equal([]);
    });

    it('says what is missing, and what is not there', async () => {
      expect((await get('/dead-letters/message?group=cart', { headers })).response.status).to.equal(400);
      const { response, text } = await get(`/dead-letters/message${of('other')}`, { headers });
      expect(response.status).to.equal(404);
      expect(JSON.parse(text)).to.deep.equal({
        title: 'cart has no dead letter other',
        detail: 'list them first',
      });
    });

    it('from this machine alone', () => {
      const from = (remoteAddress: string) =>
        refusalOf({ socket: { remoteAddress }, headers } as unknown as IncomingMessage, token)?.status;
      for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])
        expect(from(address), address).to.equal(undefined);
      for (const address of ['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '128.0.0.1', ''])
        expect(from(address), address).to.equal(403);
    });
  });

  it('names its pages to who asks for another', async () => {
    for (const path of ['/', '/metrics/', '/Metrics', '/../etc/passwd', '/status%00']) {
      const { response, text } = await get(path);
      expect(response.status, path).to.equal(404);
      expect(text).to.contain('/traces?order=ID');
    }
  });

  describe('to the hostile', () => {
    const header = 'host: admin\r\n\r\n';
    const requests: [what: string, bytes: string, status: RegExp][] = [
      ['an address that is none', `GET // HTTP/1.1\r\n${header}`, / 400 /],
      ['an address with an open bracket', `GET http://[ HTTP/1.1\r\n${header}`, / 400 /],
      ['an address with a port that is none', `GET http://a:99999/status HTTP/1.1\r\n${header}`, / 400 /],
      ['an asterisk', `OPTIONS * HTTP/1.1\r\n${header}`, / 405 /],
      ['a tunnel', `CONNECT evil:80 HTTP/1.1\r\n${header}`, /^$/],
      ['no host', 'GET /status HTTP/1.1\r\n\r\n', / 400 /],
      ['noise', '\x16\x03\x01\x00\xff hello\r\n\r\n', / 400 /],
      ['too long a header', `GET /status HTTP/1.1\r\nx: ${'y'.repeat(9_000)}\r\n${header}`, / 431 /],
      ['two lengths', `GET /status HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n${header}`, / 400 /],
      [
        'a length and chunks',
        `POST /status HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n${header}`,
        / 400 /,
      ],
    ];
    for (const [what, bytes, expected] of requests) {
      it(`who send ${what} it answers and lives on`, async () => {
        expect(await statusOf(bytes)).to.match(expected);
        await isAlive();
      });
    }

    it('who break off in the middle it lives on', async () => {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(new URL(port.url).port), '127.0.0.1', () => {
          socket.write('GET /status HTTP/1.1\r\nhost: a');
          socket.resetAndDestroy();
        });
        socket.on('error', () => undefined).on('close', () => resolve());
      });
      await isAlive();
    });
  });

  it('hides why a page failed, and lives on', async () => {
    changed = {
      metrics: () => Promise.reject(new Error('password 123')),
      // A number that JSON does not know: the text fails, not the source.
      status: async () => ({ ...status, pid: 1n as unknown as number }),
      recentSpans: () => {
        throw new Error('password 123');
      },
    };
    for (const path of ['/metrics', '/status', '/traces']) {
      const { response, text } = await get(path);
      expect(response.status, path).to.equal(500);
      expect(text).to.equal('{"title":"The admin port failed","detail":"see the log"}\n');
    }
    await isAlive();
  });

  it('ends at once although somebody keeps a connection open', async () => {
    await isAlive();
    const socket = connect(Number(new URL(port.url).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    await port.close();
    await closed;
  });

  it('names itself so that it can be opened, by IPv6 too', async () => {
    const opened = await openAdminPort('::1', 0, {} as AdminSources).catch((error: unknown) => error);
    // A machine without IPv6 has nothing to listen on.
    if (opened instanceof StartupError) {
      expect(opened.message).to.match(/can't listen on ::1:0/);
      return;
    }
    const admin = opened as AdminPort;
    expect((await fetch(`${admin.url}/healthz`)).status).to.equal(200);
    await admin.close();
  });

  it('names its variable when the port is taken, and when the address is not ours', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const taken = (other.address() as { port: number }).port;
    const complaint = (host: string, number: number) =>
      openAdminPort(host, number, {} as AdminSources).then(
        () => 'it listens',
        (error: unknown) => {
          expect(error).to.be.instanceOf(StartupError);
          return (error as Error).message;
        },
      );
    expect(await complaint('127.0.0.1', taken)).to.equal(
      `port ${taken} is taken (admin port): stop what uses it, or choose another with ADMIN_PORT`,
    );
    expect(await complaint('203.0.113.1', 0)).to.match(
      /^the admin port can't listen on 203\.0\.113\.1:0 \(EADDRNOTAVAIL\)/,
    );
    await new Promise((resolve) => other.close(resolve));
  });
});
