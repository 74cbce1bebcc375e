import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { createConsulRegistry } from './consul-registry.js';
import { createConsulResolver } from './consul-resolver.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const entryOf = (port: unknown, id: unknown = `catalog-${port}`) => ({
  Node: { Address: '127.0.0.1' },
  Service: { ID: id, Service: 'catalog', Address: '127.0.0.1', Port: port },
});

/** An answer with a list, held back like a blocking query when the caller knows it already. */
const list =
  (entries: unknown, index: string | undefined = '7'): Answer =>
  (request, response) => {
    const known = new URL(request.url ?? '', 'http://localhost').searchParams.get('index');
    if (known === index) return;
    response.setHeader('content-type', 'application/json');
    if (index !== undefined) response.setHeader('x-consul-index', index);
    response.end(JSON.stringify(entries));
  };

const json =
  (text: string, headers: Readonly<Record<string, string>> = {}, code = 200): Answer =>
  (_request, response) => {
    response.writeHead(code, { 'content-type': 'application/json', 'x-consul-index': '9', ...headers });
    response.end(text);
  };

const garbage: Readonly<Record<string, Answer>> = {
  'what is no JSON': json('{{{{'),
  'JSON that is no list': json('{"a":1}'),
  null: json('null'),
  'a word': json('"nothing"'),
  'a page': json('<html>', { 'content-type': 'text/html' }),
  'bytes of no known kind': json('\0\u0001', { 'content-type': 'application/octet-stream' }),
  'nothing at all': json(''),
  'no index': (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('[]');
  },
  'a word for an index': json('[]', { 'x-consul-index': 'many' }),
  'index 0': json('[]', { 'x-consul-index': '0' }),
  'code 400': json('"bad"', {}, 400),
  'code 403': json('"no"', {}, 403),
  'code 500': json('"No cluster leader"', {}, 500),
  'code 302 to elsewhere': json('', { location: 'http://127.0.0.1:1/' }, 302),
  'a list nested without end': json(`${'['.repeat(100_000)}`),
  'a body that breaks off': (_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': '1000',
      'x-consul-index': '9',
    });
    response.write('[');
    setTimeout(() => response.destroy(), 5);
  },
  'a body without end': (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': '9' });
    const chunk = ' '.repeat(1 << 20);
    const more = () => {
      if (!response.destroyed) response.write(chunk, () => setImmediate(more));
    };
    more();
  },
  'no HTTP': (_request, response) => {
    response.socket?.end('220 smtp.example ready\r\n');
  },
  'a closed connection': (_request, response) => {
    response.destroy();
  },
};

/** Something at Consul's address that answers as a test says. */
async function fakeConsul(first: Answer) {
  let answer = first;
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    /** Gives another answer to the query that is under way, and to those that follow. */
    change: (to: Answer) => {
      answer = to;
      asked = 0;
      server.closeAllConnections();
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

type FakeConsul = Awaited<ReturnType<typeof fakeConsul>>;

describe('a Consul that is none', function () {
  this.timeout(30_000);
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const step of undo.splice(0).reverse()) step();
  });

  const setUp = async (first: Answer) => {
    const consul = await fakeConsul(first);
    const log = collectingLog();
    const ambient = machineAmbient();
    const resolver = createConsulResolver({ ambient, log, address: consul.address, graceMs: 60_000 });
    undo.push(consul.close, resolver.close);
    return { consul, log, ambient, resolver };
  };
  /** A client that has heard of two instances, before nonsense begins. */
  const watching = async () => {
    const made = await setUp(list([entryOf(1), entryOf(2)]));
    const told: string[] = [];
    made.resolver.watch('catalog', (endpoints) => told.push(endpoints.map(({ port }) => port).join(' ')));
    await eventually(() => expect(told).to.deep.equal(['1 2']));
    return { ...made, told };
  };
  const askedTwice = (consul: FakeConsul) => eventually(() => expect(consul.asked()).to.be.above(1));

  it('takes no instance away by nonsense, and the next good list is taken', async () => {
    await Promise.all(
      Object.entries(garbage).map(async ([what, nonsense]) => {
        const { consul, told } = await watching();
        consul.change(nonsense);
        await askedTwice(consul);
        expect(told, what).to.deep.equal(['1 2']);
        consul.change(list([entryOf(2), entryOf(3)]));
        await eventually(() => expect(told.at(-1), what).to.equal('1 2 3'));
      }),
    );
  });

  it('does not make a client ask more than ten times a second, whatever its index is', async () => {
    const indexes: Readonly<Record<string, (asked: number) => number>> = {
      negative: () => -5,
      growing: (asked) => 1_000 + asked,
      falling: (asked) => 1_000_000 - asked,
      'always the same, at once': () => 7,
    };
    await Promise.all(
      Object.entries(indexes).map(async ([what, index]) => {
        const { consul, told } = await watching();
        consul.change((request, response) => {
          const headers = { 'x-consul-index': String(index(consul.asked())) };
          json(JSON.stringify([entryOf(1), entryOf(2)]), headers)(request, response);
        });
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        expect(consul.asked(), what).to.be.within(1, 30);
        expect(told, what).to.deep.equal(['1 2']);
      }),
    );
  });

  it('leaves out the entries that can not be dialled, says so once, and reads no more than a thousand', async () => {
    const flood = Array.from({ length: 3_000 }, (_, index) =>
      entryOf(index + 1, `catalog-${String(index).padStart(5, '0')}`),
    );
    const { resolver, log } = await setUp(
      list([entryOf(0), entryOf(70_000), null, 'x', [], entryOf(5, 'a\u001b[31mb'), ...flood]),
    );
    const sizes: number[] = [];
    resolver.watch('catalog', (endpoints) => sizes.push(endpoints.length));
    await eventually(() => expect(sizes).to.deep.equal([994]));
    const lines = log.lines.filter(({ level }) => level === 'warn');
    expect(lines).to.have.length(1);
    expect(lines[0]?.fields['count']).to.equal(7);
  });

  it('is asked no longer when nobody watches any more', async () => {
    const { consul, resolver } = await watching();
    consul.change(() => undefined);
    await eventually(() => expect(consul.asked()).to.be.above(0));
    resolver.close();
    const connections = () =>
      new Promise<number>((resolve, reject) =>
        consul.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      );
    await eventually(async () => expect(await connections()).to.equal(0));
  });

  it('does not keep a service from starting, nor from ending, and costs few requests', async () => {
    const answers: Readonly<Record<string, Answer>> = {
      ...garbage,
      'no answer': () => undefined,
    };
    await Promise.all(
      Object.entries(answers).map(async ([what, nonsense]) => {
        const { consul, log, ambient } = await setUp(nonsense);
        const registry = createConsulRegistry({ ambient, log, address: consul.address });
        const startedMs = performance.now();
        const registered = await registry.register(
          { service: 'catalog', instanceId: 'catalog-1.1', address: '127.0.0.1', port: 1, meta: {} },
          () => ({ serving: true }),
        );
        expect(performance.now() - startedMs, what).to.be.below(2_500);
        await registered.deregister();
        expect(performance.now() - startedMs, what).to.be.below(6_000);
        expect(consul.asked(), what).to.be.below(20);
      }),
    );
  });
});
