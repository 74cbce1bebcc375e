import { createPublicKey, verify } from 'node:crypto';
import { expect } from 'chai';
import type { MeshError } from '../../mesh/contract/error.js';
import { millisOf } from '../../mesh/contract/timestamp.js';
import { testContext } from '../../mesh/testing/test-context.js';
import { ada, errorOf, hashingTimeoutMs, home, loneUsers, reasonOf } from './lone-users.test.js';

describe('users: sessions', function () {
  this.timeout(hashingTimeoutMs);
  const users = loneUsers();
  const { start, outside, as, register, login, newUser } = users;

  describe('logging in', () => {
    it('gives a token that holds, and the account', async () => {
      const made = await register();
      const session = await login('ADA@example.com ');
      expect(session.user).to.deep.equal(made.user);
      expect(millisOf(session.expiresAt) - users.clock.clock.nowMs()).to.equal(3_600_000);
      expect((await users.client.getUser({}, as(session.token))).user).to.deep.equal(made.user);
    });

    it('answers a wrong password and an unknown address with the same words', async () => {
      await register();
      const wrong = await errorOf(login(ada.email, 'wrong horse'));
      const unknown = await errorOf(login('nobody@example.com', 'wrong horse'));
      expect(wrong).to.include({ code: 'UNAUTHENTICATED', reason: 'WRONG_CREDENTIALS' });
      const parts = ({ code, reason, message, metadata, violations }: MeshError) => ({
        code,
        reason,
        message,
        metadata,
        violations,
      });
      expect(parts(unknown)).to.deep.equal(parts(wrong));
    });

    it('takes about as long for an unknown address as for a wrong password', async () => {
      await register();
      const took: Record<string, number[]> = { [ada.email]: [], 'nobody@example.com': [] };
      // Interleaved, so that a busy moment of the machine falls on both.
      for (let round = 0; round < 7; round += 1) {
        for (const [email, times] of Object.entries(took)) {
          const beganMs = performance.now();
          await reasonOf(login(email, 'wrong horse'));
          times.push(performance.now() - beganMs);
        }
      }
      const [known = 0, unknown = 0] = Object.values(took).map((times) => Math.min(...times));
      expect(unknown / known).to.be.within(0.4, 2.5);
    });

    it('is closed after ten wrong passwords, for the right one too, and opens after ten minutes', async () => {
      await register();
      for (let times = 0; times < 10; times += 1) {
        expect(await reasonOf(login(ada.email, 'wrong horse'))).to.equal('WRONG_CREDENTIALS');
      }
      const error = await errorOf(login());
      expect(error).to.include({ code: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED' });
      expect(error.message).to.match(/wait 600 s/);
      expect(error.metadata).to.deep.equal({ retryAfterMs: '600000' });
      await register({ email: 'bea@example.com' });
      expect((await login('bea@example.com')).user?.email).to.equal('bea@example.com');
      await users.clock.advance(600_000);
      expect((await login()).user?.email).to.equal(ada.email);
    });

    it('is closed for an unknown address just the same', async () => {
      const reasons: string[] = [];
      for (let times = 0; times < 11; times += 1) reasons.push(await reasonOf(login('nobody@example.com')));
      expect(reasons).to.deep.equal([...Array(10).fill('WRONG_CREDENTIALS'), 'RATE_LIMITED']);
    });

    it('answers no more than ten wrong passwords that are tried at once', async () => {
      await register();
      const reasons = await Promise.all(
        Array.from({ length: 20 }, (_, index) => reasonOf(login(ada.email, `guess ${index}`))),
      );
      expect(reasons.filter((reason) => reason === 'WRONG_CREDENTIALS')).to.have.length(10);
      expect(reasons.filter((reason) => reason === 'RATE_LIMITED')).to.have.length(10);
    });
  });

  describe('a token', () => {
    const partsOf = (token: string) => {
      const [header = '', payload = '', signature = ''] = token.split('.');
      return { header, payload, signature };
    };
    const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown;

    it('is verified by the published key alone, which shows nothing private', async () => {
      await register();
      const { token, user } = await login();
      const { keys } = await users.client.listSigningKeys({}, outside());
      expect(keys).to.have.length(1);
      const [key] = keys;
      if (key === undefined) throw new Error('there is no key');
      expect(Object.keys(key).sort()).to.deep.equal(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
      expect(key).to.include({ kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: 'EdDSA' });
      const { header, payload, signature } = partsOf(token);
      expect(json(header)).to.deep.equal({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid });
      const jwk = createPublicKey({ key: { kty: key.kty, crv: key.crv, x: key.x }, format: 'jwk' });
      const good = verify(
        null,
        Buffer.from(`${header}.${payload}`),
        jwk,
        Buffer.from(signature, 'base64url'),
      );
      expect(good).to.equal(true);
      expect(json(payload)).to.deep.include({
        sub: user?.id,
        kind: 'user',
        scope: 'profile cart orders payment',
      });
    });

    it('holds to its last second and not longer', async () => {
      await users.alone.stop();
      await start({ USERS_TOKEN_MINUTES: '5' });
      const user = await newUser();
      const lateBy = (ms: number) => {
        users.clock.setWallTime(users.clock.clock.nowMs() + ms);
        return testContext({ clock: users.clock.clock, userToken: user.userToken });
      };
      expect((await users.client.getUser({}, lateBy(299_000))).user?.email).to.equal(ada.email);
      const error = await errorOf(users.client.getUser({}, lateBy(1_000)));
      expect(error).to.include({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' });
    });

    it('that was changed, made up or left out is refused', async () => {
      const { userToken = '' } = await newUser();
      const { header, payload, signature } = partsOf(userToken);
      const operator = Buffer.from(
        JSON.stringify({ ...(json(payload) as object), kind: 'operator', sub: 'usr_other' }),
      ).toString('base64url');
      const unsigned = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
      for (const forged of [
        `${header}.${operator}.${signature}`,
        `${unsigned}.${payload}.`,
        `${header}.${payload}.${'A'.repeat(86)}`,
        'nonsense',
      ]) {
        expect(await reasonOf(users.client.getUser({}, as(forged))), forged).to.equal('TOKEN_INVALID');
      }
      expect(await reasonOf(users.client.getUser({}, outside()))).to.equal('TOKEN_MISSING');
    });
  });

  describe('a guest', () => {
    it('gets a token for 30 days and an id of its own each time', async () => {
      const one = await users.client.createGuestSession({}, outside());
      const other = await users.client.createGuestSession({}, outside());
      expect(one.guestId).to.match(/^guest_[0-9a-z]{26}$/);
      expect(other.guestId).not.to.equal(one.guestId);
      expect(millisOf(one.expiresAt) - users.clock.clock.nowMs()).to.equal(30 * 86_400_000);
      const claims = JSON.parse(Buffer.from(one.token.split('.')[1] ?? '', 'base64url').toString());
      expect(claims).to.include({ sub: one.guestId, kind: 'guest', scope: 'cart' });
    });

    it('may not touch accounts and addresses', async () => {
      const guest = as((await users.client.createGuestSession({}, outside())).token);
      for (const call of [
        users.client.getUser({}, guest),
        users.client.updateProfile({ name: 'Guest' }, guest),
        users.client.listAddresses({}, guest),
        users.client.addAddress({ address: home }, guest),
        users.client.removeAddress({ addressId: 'adr_1' }, guest),
      ]) {
        expect(await errorOf(call)).to.include({ code: 'PERMISSION_DENIED', reason: 'SCOPE_MISSING' });
      }
    });
  });
});
