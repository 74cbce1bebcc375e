import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { type Jwk, signingKeyOf, signToken } from './token.js';
import { createTokenVerifier, type TokenVerifierOptions } from './verifier.js';

const nowMs = 1_800_000_000_000;
const key = signingKeyOf(new Uint8Array(32).fill(1));
const stranger = signingKeyOf(new Uint8Array(32).fill(2));
const token = (jti: string, signer = key, lifetimeMs = 60_000) =>
  signToken({ subject: 'usr_1', kind: 'user', scopes: ['cart'], jti }, signer, nowMs, lifetimeMs);

function setup(fetch: () => readonly Jwk[], options: Partial<TokenVerifierOptions> = {}) {
  let passedMs = 0;
  let fetches = 0;
  const verifier = createTokenVerifier({
    clock: { nowMs: () => nowMs + passedMs, monotonicMs: () => passedMs },
    fetchKeys: async () => {
      fetches += 1;
      return fetch();
    },
    ...options,
  });
  const reasonOf = (text: string) =>
    verifier.verify(text).then(
      () => 'OK',
      (error: unknown) => MeshError.from(error).reason,
    );
  return { reasonOf, fetches: () => fetches, pass: (ms: number) => (passedMs += ms) };
}

describe('a token verifier under attack', () => {
  it('asks at most every five seconds for made-up keys, though the service that has them is down', async () => {
    let down = false;
    const { reasonOf, fetches, pass } = setup(() => {
      if (down) throw new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'away' });
      return [key.publicKey];
    });
    expect(await reasonOf(token('1'))).to.equal('OK');
    down = true;
    pass(5_000);
    for (let n = 0; n < 20; n += 1)
      expect(await reasonOf(token(`made-up-${n}`, stranger))).to.equal('TOKEN_INVALID');
    expect(fetches()).to.equal(2);
    expect(await reasonOf(token('2')), 'the last good set stays').to.equal('OK');
  });

  it('does not ask for what is no token at all', async () => {
    const { reasonOf, fetches } = setup(() => [key.publicKey]);
    for (const text of ['', 'x', '.', 'a.b.c', 'x'.repeat(100_000)])
      expect(await reasonOf(text)).to.equal('TOKEN_INVALID');
    expect(fetches()).to.equal(0);
  });

  it('finds a token invalid, and nothing worse, when the key it names is broken', async () => {
    const { reasonOf } = setup(() => [{ ...key.publicKey, x: 'AAAA' }]);
    expect(await reasonOf(token('1'))).to.equal('TOKEN_INVALID');
  });

  it('remembers no more tokens than it may', async () => {
    const { reasonOf } = setup(() => [key.publicKey], { cacheSize: 2 });
    for (let n = 0; n < 50; n += 1) expect(await reasonOf(token(String(n)))).to.equal('OK');
    expect(await reasonOf(token('0'))).to.equal('OK');
  });
});
