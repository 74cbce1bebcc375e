import { createHmac, sign } from 'node:crypto';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { signingKeyOf, signToken, verifyToken } from './token.js';
import { createTokenVerifier } from './verifier.js';

const now = 1_800_000_000_000;
const key = signingKeyOf(new Uint8Array(32).fill(7));
const other = signingKeyOf(new Uint8Array(32).fill(8));
const claims = { subject: 'usr_1', kind: 'user', scopes: ['cart', 'orders'], jti: 'jti_1' } as const;
const good = signToken(claims, key, now, 60_000);

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const [header = '', payload = '', signature = ''] = good.split('.');
const claimsOf = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;

/** A token with these claims changed, signed with the right key. */
function resigned(changes: Record<string, unknown>): string {
  const { iss, aud, ...rest } = { ...claimsOf, ...changes };
  return forge({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid }, { iss, aud, ...rest });
}

function forge(head: object, body: object): string {
  const text = `${encode(head)}.${encode(body)}`;
  return `${text}.${sign(null, Buffer.from(text), key.privateKey).toString('base64url')}`;
}

describe('a token', () => {
  it('tells who its bearer is', () => {
    expect(verifyToken(good, [other.publicKey, key.publicKey], now)).to.deep.equal({
      user: { id: 'usr_1', kind: 'user', scopes: ['cart', 'orders'] },
      expiresAtMs: now + 60_000,
    });
  });

  it('has an end', () => {
    expect(() => verifyToken(good, [key.publicKey], now + 60_000))
      .to.throw(MeshError)
      .with.property('reason', 'TOKEN_EXPIRED');
  });

  const hmacOf = (text: string) => createHmac('sha256', key.publicKey.x).update(text).digest('base64url');
  const hs256 = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })}.${payload}`;
  const hostile: Record<string, string> = {
    'the empty text': '',
    'two parts': `${header}.${payload}`,
    'alg none': `${encode({ alg: 'none', typ: 'at+jwt', kid: key.kid })}.${payload}.`,
    'HS256 with the public key as secret': `${hs256}.${hmacOf(hs256)}`,
    'a signature cut short': `${header}.${payload}.${signature.slice(0, 40)}`,
    'a changed payload': `${header}.${encode({ ...claimsOf, sub: 'usr_2' })}.${signature}`,
    'a key id that is a path': forge({ alg: 'EdDSA', typ: 'at+jwt', kid: '../../etc/passwd' }, claimsOf),
    'a key of its own in the header': forge({ alg: 'EdDSA', typ: 'at+jwt', jwk: key.publicKey }, claimsOf),
    'another type': forge({ alg: 'EdDSA', typ: 'JWT', kid: key.kid }, claimsOf),
    'another issuer': resigned({ iss: 'evil' }),
    'another audience': resigned({ aud: 'bank' }),
    'a start in the future': resigned({ nbf: now / 1_000 + 3_600 }),
    'no end': resigned({ exp: undefined }),
    'an unknown kind': resigned({ kind: 'root' }),
    'the key of another shop': signToken(claims, other, now, 60_000),
    '10 kB of text': `${header}.${'A'.repeat(10_000)}.${signature}`,
  };
  for (const [what, token] of Object.entries(hostile)) {
    it(`is refused with ${what}`, () => {
      expect(() => verifyToken(token, [key.publicKey], now))
        .to.throw(MeshError)
        .with.property('reason', 'TOKEN_INVALID');
    });
  }
});

describe('a token verifier', () => {
  function setup(sets: (typeof key.publicKey)[][]) {
    let at = 0;
    let fetches = 0;
    const verifier = createTokenVerifier({
      clock: { nowMs: () => now + at, monotonicMs: () => at },
      fetchKeys: async () => {
        fetches += 1;
        const set = sets[Math.min(fetches, sets.length) - 1];
        if (set === undefined)
          throw new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'away' });
        return set;
      },
    });
    return { verifier, fetches: () => fetches, pass: (ms: number) => (at += ms) };
  }

  it('asks for the keys once and remembers', async () => {
    const { verifier, fetches } = setup([[key.publicKey]]);
    await Promise.all([verifier.verify(good), verifier.verify(good)]);
    await verifier.verify(good);
    expect(fetches()).to.equal(1);
  });

  it('forgets a token when its time is over', async () => {
    const { verifier, pass } = setup([[key.publicKey]]);
    await verifier.verify(good);
    pass(60_000);
    expect(await verifier.verify(good).catch((error: MeshError) => error.reason)).to.equal('TOKEN_EXPIRED');
  });

  it('asks again for a key it does not know, at most every five seconds', async () => {
    const { verifier, fetches, pass } = setup([[key.publicKey], [key.publicKey, other.publicKey]]);
    await verifier.verify(good);
    const rotated = signToken(claims, other, now, 60_000);
    for (let n = 0; n < 20; n += 1) await verifier.verify(rotated).catch(() => undefined);
    expect(fetches()).to.equal(1);
    pass(5_000);
    expect((await verifier.verify(rotated)).id).to.equal('usr_1');
    expect(fetches()).to.equal(2);
  });

  it('is unavailable, not unauthenticated, while there are no keys', async () => {
    const { verifier } = setup([]);
    expect(await verifier.verify(good).catch((error: MeshError) => error.code)).to.equal('UNAVAILABLE');
  });
});
