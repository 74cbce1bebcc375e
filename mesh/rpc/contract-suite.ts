import { expect } from 'chai';
import { type Code, MeshError } from '../contract/error.js';
import { machineAmbient } from '../runtime/ambient.js';
import { eventually } from '../testing/eventually.js';
import { testContext } from '../testing/test-context.js';
import { createClient } from './client.js';
import type { CallContext } from './context.js';
import { createDispatch } from './dispatch.js';
import {
  EchoDefinition,
  type EchoHandlers,
  echoPolicies,
  echoPolicy,
  echoService,
} from './echo-contract.test.js';
import type { Dispatch, Wire } from './wire.js';

/** A binding of the wire, as its test sets it up. */
export interface WireSetup {
  /** Serves a dispatch, and gives a wire to it on which `caller` calls. */
  connect(dispatch: Dispatch, caller: string): Promise<Wire>;
  /** Ends everything that was connected. */
  close(): Promise<void>;
}

const ambient = machineAmbient();

/** What every binding of the wire does alike: a handler and a caller can't tell which one lies between them. */
export function wireContract(name: string, makeSetup: () => WireSetup): void {
  describe(`the wire: ${name}`, () => {
    let setup: WireSetup;
    beforeEach(() => {
      setup = makeSetup();
    });
    afterEach(() => setup.close());

    /** A client of an echo service with these handlers. */
    const echo = async (handlers: Partial<EchoHandlers> = {}, policies = echoPolicies) => {
      const contracts = [echoService(handlers)];
      const dispatch = createDispatch({ contracts, policies: echoPolicies, ambient });
      const wire = await setup.connect(dispatch, 'order');
      return createClient(EchoDefinition, { wire, policies, ambient, caller: 'order' });
    };

    describe('carries all four kinds of methods:', () => {
      it('one message for one', async () => {
        const client = await echo();
        expect(await client.say({ text: 'hello' }, testContext())).to.deep.equal({
          text: 'hello',
          number: 0,
        });
      });

      it('a stream for one message', async () => {
        const client = await echo();
        expect(await numbers(client.count({ number: 3 }, testContext()))).to.deep.equal([1, 2, 3]);
      });

      it('a stream of nothing', async () => {
        const client = await echo();
        expect(await numbers(client.count({ number: 0 }, testContext()))).to.deep.equal([]);
      });

      it('one message for a stream', async () => {
        const client = await echo();
        const answer = await client.gather(streamOf('a', 'b', 'c'), testContext());
        expect(answer).to.deep.equal({ text: 'a b c', number: 3 });
      });

      it('a stream for a stream, each message as it comes', async () => {
        const client = await echo();
        const heard: string[] = [];
        let release: () => void = () => undefined;
        const answered = new Promise<void>((resolve) => {
          release = resolve;
        });
        async function* talk() {
          yield { text: 'one' };
          // The second word is said only once the first was answered: nothing waits for the end of the stream.
          await answered;
          yield { text: 'two' };
        }
        for await (const { text } of client.chat(talk(), testContext())) {
          heard.push(text);
          release();
        }
        expect(heard).to.deep.equal(['one!', 'two!']);
      });
    });

    describe('tells the handler', () => {
      it('who calls, the trace, the priority, the key and the token, and nothing that the caller was sent itself', async () => {
        let seen: CallContext | undefined;
        const client = await echo({
          say: async (request, context) => {
            seen = context;
            return request;
          },
        });
        const parent = testContext({
          priority: 'critical',
          userToken: 'abc',
          metadata: { 'x-secret': 'of the parent' },
        });
        await client.say({}, parent, { idempotencyKey: 'key-1' });
        expect(seen).to.include({ caller: 'order', priority: 'critical' });
        expect(seen?.trace).to.deep.equal(parent.trace);
        expect(seen?.metadata).to.include({ 'idempotency-key': 'key-1', authorization: 'Bearer abc' });
        expect(seen?.metadata).to.not.have.any.keys('x-secret', 'x-priority', 'traceparent');
      });

      it('the earlier of two deadlines, over two hops', async () => {
        const deadlines: number[] = [];
        const inner = await echo({
          say: async (request, context) => {
            deadlines.push(context.deadlineMs);
            return request;
          },
        });
        const outer = await echo({
          say: async (request, context) => {
            deadlines.push(context.deadlineMs);
            await inner.say(request, context, { deadlineMs: 60_000 });
            await inner.say(request, context, { deadlineMs: 500 });
            return request;
          },
        });
        const startMs = Date.now();
        await outer.say({}, testContext(), { deadlineMs: 2_000 });
        const [first = 0, same = 0, shorter = 0] = deadlines;
        expect(first - startMs).to.be.within(1_900, 2_100);
        expect(Math.abs(same - first), 'the child asked for more than its parent has').to.be.lessThan(50);
        expect(shorter - startMs, 'the child asked for less').to.be.lessThan(1_000);
      });
    });

    it("keeps a unary call to the contract's deadline, however long its caller would wait", async () => {
      let deadlineMs = 0;
      const client = await echo({
        say: async (request, context) => {
          deadlineMs = context.deadlineMs;
          return request;
        },
      });
      const startMs = Date.now();
      await client.say({}, testContext({ deadlineMs: startMs + 600_000 }), { deadlineMs: 60_000 });
      expect(deadlineMs - startMs).to.be.within(4_900, 5_500);
    });

    describe('brings errors home:', () => {
      const refusal = new MeshError({
        code: 'FAILED_PRECONDITION',
        reason: 'OUT_OF_STOCK',
        message: 'only 2 lämps 💡 are left',
        metadata: { productId: 'prd_lamp' },
        violations: [{ field: 'lines[0].quantity', rule: 'stock', message: 'at most 2' }],
        cause: new Error('SELECT secret FROM stock'),
      });

      const whole = (error: MeshError) => {
        const { code, reason, message, metadata, violations } = refusal;
        const { code: c, reason: r, message: m, metadata: d, violations: v } = error;
        expect({ code: c, reason: r, message: m, metadata: d, violations: v }).to.deep.equal({
          code,
          reason,
          message,
          metadata,
          violations,
        });
        expect(error).to.not.equal(refusal);
        expect(error.cause).to.equal(undefined);
      };

      it('reason, message, metadata and violations whole, the cause never', async () => {
        const client = await echo({ say: () => Promise.reject(refusal) });
        whole(await failure(client.say({}, testContext())));
      });

      it('in the middle of a stream too', async () => {
        const client = await echo({
          count: async function* () {
            yield { text: '', number: 1 };
            throw refusal;
          },
        });
        whole(await failure(numbers(client.count({}, testContext()))));
      });

      it('what is no error of the mesh as INTERNAL, without its text', async () => {
        const client = await echo({ say: () => Promise.reject(new TypeError('password of the database')) });
        const error = await failure(client.say({}, testContext()));
        expect(error).to.include({ code: 'INTERNAL', reason: 'INTERNAL' });
        expect(error.message).to.not.include('password');
      });

      it('what a handler throws before it is a promise', async () => {
        const thrown = () => {
          throw refusal;
        };
        const client = await echo({ say: thrown, count: thrown });
        whole(await failure(client.say({}, testContext())));
        whole(await failure(numbers(client.count({}, testContext()))));
      });

      it('messages with half a character in them', async () => {
        const client = await echo({
          say: () =>
            Promise.reject(
              new MeshError({
                code: 'NOT_FOUND',
                reason: 'PRODUCT_NOT_FOUND',
                message: `no ${'💡'.slice(0, 1)}`,
              }),
            ),
        });
        expect(await failure(client.say({}, testContext()))).to.include({
          code: 'NOT_FOUND',
          reason: 'PRODUCT_NOT_FOUND',
        });
      });

      it('a request that can not be read as MALFORMED_REQUEST', async () => {
        const dispatch = createDispatch({ contracts: [echoService()], policies: echoPolicies, ambient });
        const wire = await setup.connect(dispatch, 'order');
        const error = await failure(
          wire.call({
            method: echoPolicy('say'),
            body: new Uint8Array([0xff, 0xff]),
            metadata: {},
            deadlineMs: Date.now() + 5_000,
            signal: new AbortController().signal,
          }),
        );
        expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'MALFORMED_REQUEST' });
      });

      it('a method that nobody implements as UNIMPLEMENTED', async () => {
        const dispatch = createDispatch({ contracts: [], policies: echoPolicies, ambient });
        const wire = await setup.connect(dispatch, 'order');
        const client = createClient(EchoDefinition, {
          wire,
          policies: echoPolicies,
          ambient,
          caller: 'order',
        });
        expect(await failure(client.say({}, testContext()))).to.include({
          code: 'UNIMPLEMENTED',
          reason: 'UNIMPLEMENTED',
        });
        expect(await failure(numbers(client.count({}, testContext())))).to.include({ code: 'UNIMPLEMENTED' });
      });

      it('a stream that failed before anybody read it, once somebody does', async () => {
        const failing = () => {
          throw refusal;
        };
        const dispatch = createDispatch({
          contracts: [echoService({ count: failing })],
          policies: echoPolicies,
          ambient,
        });
        const wire = await setup.connect(dispatch, 'order');
        const client = createClient(EchoDefinition, {
          wire,
          policies: echoPolicies,
          ambient,
          caller: 'order',
        });
        // The failure is there long before the first read; one that nobody hears would end the process.
        const stream = client.count({}, testContext());
        const raw = failure(
          (async () => {
            const { body } = await wire.call({
              method: echoPolicy('count'),
              body: Buffer.from('{}'),
              metadata: {},
              deadlineMs: Date.now() + 5_000,
              signal: new AbortController().signal,
            });
            await new Promise((resolve) => setTimeout(resolve, 50));
            for await (const _ of body as AsyncIterable<Uint8Array>);
          })(),
        );
        await new Promise((resolve) => setTimeout(resolve, 50));
        whole(await failure(numbers(stream)));
        whole(await raw);
      });
    });

    it('brings trailers home', async () => {
      const client = await echo({
        say: async (request, context) => {
          context.setTrailer('x-http-code', '202');
          return request;
        },
        gather: async (_requests, context) => {
          context.setTrailer('x-http-code', '203');
          return { text: '', number: 0 };
        },
      });
      const seen: string[] = [];
      const onTrailers = (trailers: Readonly<Record<string, string>>) =>
        void seen.push(trailers['x-http-code'] ?? 'none');
      await client.say({}, testContext(), { onTrailers });
      await client.gather(streamOf('a'), testContext(), { onTrailers });
      expect(seen).to.deep.equal(['202', '203']);
    });

    it('refuses a message that is too big with RESOURCE_EXHAUSTED, and goes on', async () => {
      const client = await echo();
      const error = await failure(client.say({ text: 'x'.repeat(300_000) }, testContext()));
      expect(error.code).to.equal('RESOURCE_EXHAUSTED');
      expect((await client.say({ text: 'x'.repeat(200_000) }, testContext())).text).to.have.length(200_000);
    });

    it('shares nothing: what one side does with a message the other never sees', async () => {
      const kept = { text: 'kept', number: 1 };
      const bytes: Uint8Array[] = [];
      const dispatch: Dispatch = async ({ body }) => {
        bytes.push(body as Uint8Array);
        return { body: stored, trailers: {} };
      };
      // What a database gives back is often a Buffer, whose slice is a view.
      const stored = Buffer.from(JSON.stringify(kept));
      const wire = await setup.connect(dispatch, 'order');
      const sent = Buffer.from('{"text":"sent","number":2}');
      const { body } = await wire.call({
        method: echoPolicy('say'),
        body: sent,
        metadata: {},
        deadlineMs: Date.now() + 5_000,
        signal: new AbortController().signal,
      });
      sent.fill(0);
      (body as Uint8Array).fill(0);
      expect(Buffer.from(bytes[0] as Uint8Array).toString()).to.equal('{"text":"sent","number":2}');
      expect(JSON.parse(stored.toString())).to.deep.equal(kept);
    });

    describe('ends', () => {
      const never = () => new Promise<never>(() => undefined);

      it('at the deadline, when the handler never answers', async () => {
        const client = await echo({ say: never });
        const startMs = Date.now();
        expect(await failure(client.say({}, testContext(), { deadlineMs: 100 }))).to.include({
          code: 'DEADLINE_EXCEEDED',
          reason: 'DEADLINE_EXCEEDED',
        });
        expect(Date.now() - startMs).to.be.within(80, 1_500);
      });

      it('at the deadline, when a stream stops in the middle', async () => {
        const client = await echo({
          count: async function* () {
            yield { text: '', number: 1 };
            await never();
          },
        });
        const seen: number[] = [];
        const error = await failure(
          (async () => {
            for await (const { number } of client.count({}, testContext(), { deadlineMs: 150 }))
              seen.push(number);
          })(),
        );
        expect([seen, error.code]).to.deep.equal([[1], 'DEADLINE_EXCEEDED']);
      });

      it('before it goes out, when its time is over or the caller has gone', async () => {
        let calls = 0;
        const client = await echo({
          say: async (request) => {
            calls += 1;
            return request;
          },
        });
        expect((await failure(client.say({}, testContext({ deadlineMs: Date.now() - 1 })))).code).to.equal(
          'DEADLINE_EXCEEDED',
        );
        expect((await failure(client.say({}, testContext({ signal: AbortSignal.abort() })))).code).to.equal(
          'CANCELLED',
        );
        await client.say({}, testContext());
        expect(calls).to.equal(1);
      });

      it('for the handler too, when the caller gives up', async () => {
        let handler: AbortSignal | undefined;
        const client = await echo({
          say: (_request, context) => {
            handler = context.signal;
            return never();
          },
        });
        const caller = new AbortController();
        const answer = failure(client.say({}, testContext({ signal: caller.signal })));
        await eventually(() => handler !== undefined, { what: 'the handler to be called' });
        caller.abort();
        expect((await answer).code).to.equal('CANCELLED');
        await eventually(() => handler?.aborted === true, { what: 'the handler to hear of it' });
        expect(MeshError.is(handler?.reason)).to.equal(true);
      });

      for (const [what, leave] of [
        ['the caller gives up in the middle of a stream', 'abort'],
        ['the caller stops to read', 'break'],
      ] as const) {
        it(`for the handler too, when ${what}`, async () => {
          let closed = false;
          const client = await echo({
            count: async function* (_request, context) {
              try {
                for (let number = 1; !context.signal.aborted; number += 1) {
                  yield { text: '', number };
                  await new Promise((resolve) => setTimeout(resolve, 5));
                }
              } finally {
                closed = true;
              }
            },
          });
          const caller = new AbortController();
          let code: Code | 'OK' = 'OK';
          try {
            for await (const { number } of client.count({}, testContext({ signal: caller.signal }))) {
              if (number < 3) continue;
              if (leave === 'break') break;
              caller.abort();
            }
          } catch (error) {
            code = MeshError.from(error).code;
          }
          expect(code).to.equal(leave === 'break' ? 'OK' : 'CANCELLED');
          await eventually(() => closed, { what: 'the handler to be closed' });
        });
      }

      it('with UNAVAILABLE once the wire is closed', async () => {
        const wire = await setup.connect(
          createDispatch({ contracts: [echoService()], policies: echoPolicies, ambient }),
          'order',
        );
        const client = createClient(EchoDefinition, {
          wire,
          policies: echoPolicies,
          ambient,
          caller: 'order',
        });
        await client.say({}, testContext());
        wire.close();
        expect((await failure(client.say({}, testContext()))).code).to.equal('UNAVAILABLE');
      });
    });

    describe('keeps back-pressure:', () => {
      const text = 'x'.repeat(16_000);

      it('a handler makes no more than its reader and a bounded buffer take', async () => {
        let made = 0;
        const client = await echo({
          count: async function* () {
            for (;;) {
              made += 1;
              yield { text, number: made };
            }
          },
        });
        for await (const _ of client.count({}, testContext())) {
          const settled = await settles(() => made);
          expect(settled * text.length).to.be.lessThan(8 * 1024 * 1024);
          break;
        }
      });

      it('a caller sends no more than the handler and a bounded buffer take', async () => {
        let sent = 0;
        let open: () => void = () => undefined;
        const gate = new Promise<void>((resolve) => {
          open = resolve;
        });
        const client = await echo({
          gather: async (requests) => {
            for await (const _ of requests) await gate;
            return { text: '', number: 0 };
          },
        });
        async function* flood() {
          for (; sent < 2_000; sent += 1) yield { text };
        }
        const answer = failure(client.gather(flood(), testContext(), { deadlineMs: 2_000 }));
        expect((await settles(() => sent)) * text.length).to.be.lessThan(8 * 1024 * 1024);
        open();
        await answer;
      });

      it('a request stream is closed when the answer comes before its end', async () => {
        let closed = false;
        const client = await echo({
          gather: async (requests) => {
            for await (const { text: first } of requests) return { text: first, number: 1 };
            return { text: '', number: 0 };
          },
        });
        async function* endless() {
          try {
            for (;;) {
              yield { text };
              await new Promise((resolve) => setTimeout(resolve, 1));
            }
          } finally {
            closed = true;
          }
        }
        expect(await client.gather(endless(), testContext())).to.include({ number: 1 });
        await eventually(() => closed, { what: 'the request stream to be closed' });
      });

      it('a handler may stop to read and go on to write', async () => {
        const client = await echo({
          chat: async function* (requests) {
            for await (const { text: first } of requests) {
              yield { text: first, number: 1 };
              break;
            }
            yield { text: 'and', number: 2 };
            yield { text: 'more', number: 3 };
          },
        });
        expect(await numbers(client.chat(streamOf('a', 'b', 'c'), testContext()))).to.deep.equal([1, 2, 3]);
      });
    });
  });
}

async function numbers(stream: AsyncIterable<{ readonly number: number }>): Promise<number[]> {
  const all: number[] = [];
  for await (const { number } of stream) all.push(number);
  return all;
}

async function* streamOf(...texts: string[]) {
  for (const text of texts) yield { text };
}

/** The MeshError that a call ends with. */
async function failure(call: Promise<unknown>): Promise<MeshError> {
  let answer: unknown;
  try {
    answer = await call;
  } catch (error) {
    if (MeshError.is(error)) return error;
    throw new Error('the error that came is no MeshError', { cause: error });
  }
  return new MeshError({
    code: 'UNKNOWN',
    reason: 'INTERNAL',
    message: `there was no error, but ${JSON.stringify(answer)}`,
  });
}

/** The value once it has not changed for 100 ms. */
async function settles(read: () => number): Promise<number> {
  let last = -1;
  return eventually(
    () => {
      const before = last;
      last = read();
      if (before !== last) return false;
      return last;
    },
    { everyMs: 100, what: 'the number to stand still' },
  );
}
