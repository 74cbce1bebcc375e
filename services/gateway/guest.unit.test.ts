import type { IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import type { MethodPolicy } from '../../mesh/contract/policy.js';
import type { User } from '../../mesh/rpc/context.js';
import type { EdgePorts } from '../../mesh/runtime/edge.js';
import { signingKeyOf, signToken, verifyToken } from '../../mesh/security/token.js';
import { collectingLog } from '../../mesh/testing/collecting-log.js';
import { testContext } from '../../mesh/testing/test-context.js';
import {
  bearerOf,
  type Credentials,
  credentialsOf,
  guestCookieLine,
  mergeGuestCart,
  refuseCrossSite,
  userIdOf,
  wantsGuest,
  withGoodGuest,
} from './guest.js';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const key = signingKeyOf(new Uint8Array(32).fill(7));
const otherKey = signingKeyOf(new Uint8Array(32).fill(8));

function tokenOf(kind: User['kind'], options: { key?: typeof key; lifetimeMs?: number } = {}): string {
  const claims = { subject: `${kind}_1`, kind, scopes: ['cart'], jti: 'jti_1' };
  return signToken(claims, options.key ?? key, nowMs, options.lifetimeMs ?? 60_000);
}

const good = tokenOf('guest');
const [head = '', payload = '', signature = ''] = good.split('.');
const forgedPayload = Buffer.from(
  Buffer.from(payload, 'base64url').toString().replace('guest_1', 'guest_2'),
).toString('base64url');

/** Tokens of which none gives anybody a cart. */
const bad: Readonly<Record<string, string>> = {
  'with another payload': `${head}.${forgedPayload}.${signature}`,
  'with another signature': `${head}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
  'without a signature': `${head}.${payload}.`,
  'of no algorithm': `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`,
  'of another shop': tokenOf('guest', { key: otherKey }),
  expired: tokenOf('guest', { lifetimeMs: -1_000 }),
  'that is none': 'nonsense',
  'that is empty': '',
  'that is very long': 'a'.repeat(10_000),
};

/** Ports that verify with our key. A test replaces what it is about. */
function portsWith(changes: Partial<EdgePorts> = {}): EdgePorts {
  const ports: Partial<EdgePorts> = {
    log: collectingLog(),
    verifyToken: async (token) => verifyToken(token, [key.publicKey], nowMs).user,
    ...changes,
  };
  return ports as EdgePorts;
}

const away = () =>
  Promise.reject(new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'no keys now' }));

async function refusalOf(work: Promise<unknown>): Promise<MeshError> {
  const error: unknown = await work.then(
    () => new Error('nothing was refused'),
    (thrown: unknown) => thrown,
  );
  if (!MeshError.is(error)) throw error;
  return error;
}

describe('the token of a bearer', () => {
  it('is what stands after the word, in whatever case', () => {
    for (const line of ['Bearer abc', 'bearer abc', 'BEARER   abc']) expect(bearerOf(line)).to.equal('abc');
  });

  it('is none for anything else', () => {
    for (const line of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Basic abc',
      'abc',
      'Bearer a b',
      'Bearer a, Bearer b',
    ])
      expect(bearerOf(line), line).to.equal(undefined);
  });
});

describe('credentials', () => {
  const of = (headers: IncomingHttpHeaders) => credentialsOf(headers);

  it('are none without a header', () => {
    const none = { token: undefined, authorized: false, guestToken: undefined, byCookie: false };
    expect(of({})).to.deep.equal(none);
    for (const cookie of [
      '',
      'theme=dark',
      'xmeshmart_guest=a',
      'meshmart_guest',
      'meshmart_guestx=a',
      'a=meshmart_guest=b',
    ])
      expect(of({ cookie }), cookie).to.deep.equal(none);
  });

  it('are the cookie, wherever it stands among others', () => {
    for (const cookie of ['meshmart_guest=abc', 'a=1; meshmart_guest=abc; b=2', 'a=1;meshmart_guest=abc'])
      expect(of({ cookie }), cookie).to.include({ token: 'abc', guestToken: 'abc', byCookie: true });
  });

  it('are the first of two cookies of the name, and one among a hundred', () => {
    expect(of({ cookie: 'meshmart_guest=one; meshmart_guest=two' }).token).to.equal('one');
    const many = Array.from({ length: 100 }, (_, number) => `c${number}=${number}`);
    expect(of({ cookie: [...many, 'meshmart_guest=abc'].join('; ') }).token).to.equal('abc');
  });

  it('are the header before the cookie, and then not by cookie', () => {
    expect(of({ 'x-guest-token': 'abc', cookie: 'meshmart_guest=def' })).to.include({
      token: 'abc',
      guestToken: 'abc',
      byCookie: false,
    });
  });

  it('are the bearer token before both, which keep the guest for the login', () => {
    expect(of({ authorization: 'Bearer user', cookie: 'meshmart_guest=def' })).to.deep.equal({
      token: 'user',
      authorized: true,
      guestToken: 'def',
      byCookie: false,
    });
  });

  it('are no guest for who sends an authorization, even one that is malformed', () => {
    for (const authorization of ['', 'Basic abc', 'Bearer a b'])
      expect(of({ authorization, cookie: 'meshmart_guest=def' })).to.include({
        token: undefined,
        authorized: true,
        byCookie: false,
      });
  });
});

describe("a guest's token", () => {
  const cookie = (token: string) => credentialsOf({ cookie: `meshmart_guest=${token}` });
  const header = (token: string) => credentialsOf({ 'x-guest-token': token });

  it('that is good stays', async () => {
    for (const credentials of [cookie(good), header(good)])
      expect(await withGoodGuest(portsWith(), credentials)).to.equal(credentials);
  });

  for (const [what, token] of Object.entries(bad)) {
    it(`${what} is forgotten where a browser sent it by itself`, async () => {
      const forgotten = { token: undefined, authorized: false, guestToken: undefined, byCookie: false };
      expect(await withGoodGuest(portsWith(), cookie(token))).to.deep.equal(forgotten);
    });

    it(`${what} stays where it was sent on purpose: the service refuses it`, async () => {
      const credentials = header(token);
      expect(await withGoodGuest(portsWith(), credentials)).to.equal(credentials);
      expect(await userIdOf(portsWith(), token)).to.equal(undefined);
    });
  }

  for (const kind of ['user', 'operator'] as const) {
    it(`is not one of kind ${kind}: forgotten in the cookie, refused in the header`, async () => {
      const token = tokenOf(kind);
      expect((await withGoodGuest(portsWith(), cookie(token))).token).to.equal(undefined);
      expect(await refusalOf(withGoodGuest(portsWith(), header(token)))).to.include({
        code: 'UNAUTHENTICATED',
        reason: 'TOKEN_INVALID',
      });
    });
  }

  it('is not forgotten because the keys can not be had now', async () => {
    const credentials = cookie(good);
    expect(await withGoodGuest(portsWith({ verifyToken: away }), credentials)).to.equal(credentials);
  });

  it('is not looked at where there is an authorization', async () => {
    const credentials = credentialsOf({ authorization: 'Bearer a', cookie: 'meshmart_guest=bad' });
    expect(await withGoodGuest(portsWith({ verifyToken: away }), credentials)).to.equal(credentials);
  });
});

describe('a new guest', () => {
  const method = (exposure: MethodPolicy['exposure'], scope: string) => ({ exposure, scope }) as MethodPolicy;
  const nobody: Credentials = { token: undefined, authorized: false, guestToken: undefined, byCookie: false };

  it('is made for a cart, and for nothing else', () => {
    expect(wantsGuest(method('user', 'cart'), nobody)).to.equal(true);
    for (const other of [
      method('user', 'orders'),
      method('public', ''),
      method('operator', ''),
      method('internal', 'cart'),
    ])
      expect(wantsGuest(other, nobody)).to.equal(false);
  });

  it('is not made for who says to be somebody', () => {
    expect(wantsGuest(method('user', 'cart'), { ...nobody, token: 'abc' })).to.equal(false);
    expect(wantsGuest(method('user', 'cart'), { ...nobody, authorized: true })).to.equal(false);
  });
});

describe('the cookie of a guest', () => {
  it('is for this site, and for no script', () => {
    expect(guestCookieLine('abc')).to.equal(
      'meshmart_guest=abc; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax',
    );
  });

  it('is taken away with the attributes that it was given with', () => {
    expect(guestCookieLine(undefined)).to.equal('meshmart_guest=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax');
  });
});

describe('a request from another site', () => {
  const byCookie: Credentials = { token: 'abc', authorized: false, guestToken: 'abc', byCookie: true };
  const host = 'shop.example:8080';
  const allowed = (headers: IncomingHttpHeaders, method = 'POST', credentials = byCookie) => {
    try {
      refuseCrossSite({ host, ...headers }, method, credentials);
      return true;
    } catch (error) {
      expect(MeshError.from(error).code).to.equal('PERMISSION_DENIED');
      return false;
    }
  };

  it('that the browser tells to be one changes nothing with the cookie', () => {
    for (const site of ['cross-site', 'same-site', 'nonsense', ''])
      for (const method of ['POST', 'PATCH', 'DELETE', 'PUT'])
        expect(allowed({ 'sec-fetch-site': site }, method), `${site} ${method}`).to.equal(false);
  });

  it('is told by its origin, where the browser says no more', () => {
    for (const origin of [
      'https://evil.example',
      'http://shop.example',
      'http://shop.example:8080.evil.example',
      'null',
      '',
      'shop.example:8080',
    ])
      expect(allowed({ origin }), origin).to.equal(false);
    expect(allowed({ origin: 'http://shop.example:8080' })).to.equal(true);
  });

  it('may be told by both: what the browser says of the site counts', () => {
    expect(allowed({ 'sec-fetch-site': 'cross-site', origin: `http://${host}` })).to.equal(false);
  });

  it('is none from the shop itself, from a person who types, or from a program', () => {
    expect(allowed({ 'sec-fetch-site': 'same-origin', origin: `http://${host}` })).to.equal(true);
    expect(allowed({ 'sec-fetch-site': 'none' })).to.equal(true);
    expect(allowed({})).to.equal(true);
  });

  it('may read, and may do what it has another token for', () => {
    expect(allowed({ 'sec-fetch-site': 'cross-site' }, 'GET')).to.equal(true);
    expect(allowed({ 'sec-fetch-site': 'cross-site' }, 'HEAD')).to.equal(true);
    expect(allowed({ 'sec-fetch-site': 'cross-site' }, 'POST', { ...byCookie, byCookie: false })).to.equal(
      true,
    );
  });
});

describe("a guest's cart at login", () => {
  const merging = (answer: () => Promise<unknown>) => {
    const log = collectingLog();
    const seen: unknown[] = [];
    const client = () => ({
      mergeCart: (request: unknown, _context: unknown, options: unknown) => {
        seen.push(request, options);
        return answer();
      },
    });
    const ports = portsWith({ log, client: client as unknown as EdgePorts['client'] });
    return { log, seen, merged: mergeGuestCart(ports, testContext(), 'guest', 'user') };
  };

  it("is moved in the user's name", async () => {
    const { seen, merged } = merging(async () => ({}));
    expect(await merged).to.equal(true);
    expect(seen).to.deep.equal([{ guestToken: 'guest' }, { userToken: 'user' }]);
  });

  it('is left for the next login when it can not be moved now, which is no failure of the login', async () => {
    for (const failure of [
      new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'away' }),
      new MeshError({ code: 'ABORTED', reason: 'CONFLICT', message: 'too many changes' }),
      new TypeError('oops'),
    ]) {
      const { log, merged } = merging(() => Promise.reject(failure));
      expect(await merged).to.equal(false);
      expect(log.lines.map(({ level }) => level)).to.deep.equal(['warn']);
      expect(JSON.stringify(log.lines)).to.not.match(/"(guest|user)"/);
    }
  });

  it('is forgotten when the token can never lead to one', async () => {
    const refused = new MeshError({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED', message: 'over' });
    expect(await merging(() => Promise.reject(refused)).merged).to.equal(true);
  });
});
