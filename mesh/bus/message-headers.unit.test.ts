import { expect } from 'chai';
import fc from 'fast-check';
import type { BusMessage } from './bus.js';
import { busMessage } from './contract-suite.js';
import { headersOf, letterFrom, letterHeaders, messageFrom } from './message-headers.js';

describe("a message's headers", () => {
  const reader = (headers: Readonly<Record<string, string>>) => (name: string) => headers[name] ?? '';

  it('give back the message that they were made of', () => {
    const name = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(
        fc.record({ id: name, topic: name, type: name, key: fc.string(), occurredAtMs: fc.maxSafeNat() }),
        fc.uint8Array(),
        fc.option(name, { nil: undefined }),
        (fields, data, traceparent) => {
          const message: BusMessage = { ...fields, data, traceparent };
          expect(messageFrom(reader(headersOf(message)), data)).to.deep.equal(message);
        },
      ),
    );
  });

  it('that lack something make no message', () => {
    const whole = headersOf(busMessage('m1'));
    for (const missing of ['id', 'topic', 'type', 'at'])
      expect(messageFrom(reader({ ...whole, [missing]: '' }), new Uint8Array())).to.equal(undefined);
    expect(messageFrom(reader({ ...whole, at: 'never' }), new Uint8Array())).to.equal(undefined);
  });

  it('give back the dead letter that they were made of', () => {
    const message = busMessage('m1', { traceparent: '00-1-2-01' });
    const note = { attempts: 8, lastError: 'no', failedAtMs: 17 };
    expect(letterFrom('mail', reader(letterHeaders(message, note)), message.data)).to.deep.equal({
      group: 'mail',
      message,
      ...note,
    });
    expect(letterFrom('mail', reader({}), message.data)).to.equal(undefined);
  });
});
