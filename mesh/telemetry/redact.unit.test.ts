import { expect } from 'chai';
import fc from 'fast-check';
import { redactFields, redactText } from './redact.js';

const card = '4242 4242 4242 4242';
const token = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl';

describe('redaction', () => {
  it('replaces the values of fields with the name of a secret, at any depth', () => {
    expect(
      redactFields({
        password: 'p',
        user: { newPassword: 'p', 'x-guest-token': 't', name: 'Ada' },
        headers: [{ Authorization: 'a', Cookie: 'c', 'set-cookie': 's' }],
        card: { cardNumber: '1', card_number: 1, cvc: 123, pan: 1, last4: '4242' },
      }),
    ).to.deep.equal({
      password: '[redacted]',
      user: { newPassword: '[redacted]', 'x-guest-token': '[redacted]', name: 'Ada' },
      headers: [{ Authorization: '[redacted]', Cookie: '[redacted]', 'set-cookie': '[redacted]' }],
      card: {
        cardNumber: '[redacted]',
        card_number: '[redacted]',
        cvc: '[redacted]',
        pan: '[redacted]',
        last4: '4242',
      },
    });
  });

  it('leaves names alone that only end like one', () => {
    const fields = { pageToken: 'abc', next_page_token: 'def', span: 'x', company: 'y' };
    expect(redactFields(fields)).to.deep.equal(fields);
  });

  it('masks card numbers and tokens within texts, names and errors', () => {
    const fields = redactFields({
      note: `card ${card}`,
      header: `Bearer ${'a'.repeat(20)}`,
      jwt: `got ${token}!`,
      [`k${card}`]: 1,
      number: 4242424242424242,
      error: Object.assign(new Error(`declined ${card}`, { cause: new Error(token) }), { code: 'DECLINED' }),
    });
    expect(fields).to.deep.equal({
      note: 'card **** **** **** 4242',
      header: '[redacted]',
      jwt: 'got [redacted]!',
      'k**** **** **** 4242': 1,
      number: '************4242',
      error: {
        type: 'Error',
        message: 'declined **** **** **** 4242',
        code: 'DECLINED',
        cause: { type: 'Error', message: '[redacted]' },
      },
    });
  });

  it('leaves times and amounts as they are', () => {
    const fields = { atMs: 1_795_442_582_118, seconds: 0.25, count: 12, units: '1999', none: null };
    expect(redactFields(fields)).to.deep.equal(fields);
  });

  it('writes as text what JSON has no word for', () => {
    const fields = redactFields({
      big: 12n,
      nan: Number.NaN,
      bytes: new Uint8Array(3),
      at: new Date(0),
      never: new Date(Number.NaN),
      call: () => 1,
      absent: undefined,
    });
    expect(fields).to.deep.equal({
      big: '12',
      nan: 'NaN',
      bytes: '[3 bytes]',
      at: '1970-01-01T00:00:00.000Z',
      never: 'Invalid Date',
      call: '[function]',
    });
  });

  it('is bounded, also for what refers to itself or throws when it is read', () => {
    const self: Record<string, unknown> = { wide: Array(1_000).fill(1), long: 'x'.repeat(100_000) };
    self['self'] = self;
    Object.defineProperty(self, 'broken', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    const fields = redactFields(self);
    expect(fields['wide']).to.have.length(64);
    expect(fields['long']).to.have.length(8_195);
    expect(fields['broken']).to.equal('[unreadable]');
    expect(JSON.stringify(fields).length).to.be.lessThan(100_000);
    const everywhere: Record<string, unknown> = {};
    for (let n = 0; n < 64; n += 1) everywhere[`n${n}`] = everywhere;
    expect(JSON.stringify(redactFields(everywhere)).length).to.be.lessThan(100_000);
  });

  it('lets no part of a card number through where a long text is cut', () => {
    for (let pad = 8_170; pad < 8_195; pad += 1) {
      expect(redactText('x'.repeat(pad) + '4242424242424242'.repeat(2))).to.not.match(/\d{5}/);
    }
  });

  it('never throws, and gives what JSON can write', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything({ withBigInt: true, withDate: true })), (fields) => {
        JSON.stringify(redactFields(fields));
      }),
    );
  });

  it('leaves an ordinary text alone', () => {
    expect(redactText('basic needs: 100 of 2026-11-23T14:02:33.123Z')).to.equal(
      'basic needs: 100 of 2026-11-23T14:02:33.123Z',
    );
  });
});
