import { createHash, createPublicKey, verify } from 'node:crypto';
import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { millisOf } from '../../mesh/contract/timestamp.js';
import type { Client } from '../../mesh/rpc/definition.js';
import { type LoneService, neighbour, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext } from '../../mesh/testing/test-context.js';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import {
  RegisterRequest,
  RegisterResponse,
  UsersServiceDefinition,
} from '../../proto/gen/meshmart/users/v1/users.js';
import { UserRegistered, UserUpdated } from '../../proto/gen/meshmart/users/v1/users_events.js';
import { service } from './service.js';

const password = 'correct horse';
const ada = { email: 'ada@example.com', password, name: 'Ada' };
const home = {
  name: 'Ada',
  line1: 'Long Road 1',
  line2: '',
  city: 'Berlin',
  postalCode: '10115',
  country: 'DE',
};

describe('users', function () {
  // Real password hashing: tenths of a second each on a busy machine.
  this.timeout(60_000);
  let clock: VirtualClock;
  let alone: LoneService;
  let client: Client<typeof UsersServiceDefinition>;

  /** The real service, which verifies the tokens that it has signed by its own keys. */
  const start = async (environment: Record<string, string> = {}) => {
    clock = virtualClock();
    alone = await startLoneService({
      name: 'users',
      service,
      ambient: clock,
      environment,
      neighbours: [
        neighbour(UsersServiceDefinition, {
          listSigningKeys: (request, context) =>
            alone.client(UsersServiceDefinition, 'users').listSigningKeys(request, context),
        }),
      ],
    });
    client = alone.client(UsersServiceDefinition);
  };
  beforeEach(() => start());
  afterEach(() => alone.stop());

  const outside = () => testContext({ clock: clock.clock });
  const as = (userToken: string) => testContext({ clock: clock.clock, userToken });
  const register = (changed: Partial<typeof ada> = {}, options = {}) =>
    client.register({ ...ada, ...changed }, outside(), options);
  const login = (email = ada.email, given = password) =>
    client.authenticate({ email, password: given }, outside());
  const newUser = async (email = ada.email) => {
    await register({ email });
    return as((await login(email)).token);
  };
  const errorOf = (call: Promise<unknown>): Promise<MeshError> =>
    call.then(
      () => {
        throw new Error('the call was taken');
      },
      (error: unknown) => MeshError.from(error),
    );
  const reasonOf = (call: Promise<unknown>) => errorOf(call).then(({ reason }) => reason);
  const rows = (table: 'users' | 'addresses') => alone.store.query({ sql: `SELECT * FROM ${table}` });
  const eventsOf = async (type: string) => {
    await clock.advance(1_000);
    return alone.published.filter((event) => event.type === `meshmart.users.v1.${type}`);
  };

  describe('registering', () => {
    it('makes an account under the address in lower case, tells it, and keeps no password', async () => {
      const { user } = await register({ email: 'Ada@Example.COM', name: ' Ada ' });
      expect(user?.id).to.match(/^usr_[0-9a-z]{26}$/);
      expect(user).to.include({ email: 'ada@example.com', name: 'Ada' });
      expect(millisOf(user?.createdAt)).to.equal(clock.clock.nowMs());
      const [event, ...more] = await eventsOf('UserRegistered');
      expect(more).to.have.length(0);
      expect(event?.key).to.equal(user?.id);
      expect(UserRegistered.decode(event?.data ?? new Uint8Array())).to.deep.equal({
        userId: user?.id,
        email: 'ada@example.com',
        name: 'Ada',
        occurredAt: user?.createdAt,
      });
      expect(JSON.stringify(await rows('users'))).not.to.contain(password);
      expect(JSON.stringify(alone.log.lines)).not.to.contain(password);
    });

    it('refuses an address that has an account, however it is written', async () => {
      await register();
      const error = await errorOf(register({ email: 'ADA@example.com', name: 'Other' }));
      expect(error).to.include({ code: 'ALREADY_EXISTS', reason: 'EMAIL_TAKEN' });
      expect(await rows('users')).to.have.length(1);
    });

    it('gives one of several at once the address, and the others EMAIL_TAKEN', async () => {
      const outcomes = await Promise.all(
        ['Ada', 'Bea', 'Cid', 'Dea'].map((name) =>
          register({ name }).then(
            () => 'made',
            (error: unknown) => MeshError.from(error).reason,
          ),
        ),
      );
      expect(outcomes.sort()).to.deep.equal(['EMAIL_TAKEN', 'EMAIL_TAKEN', 'EMAIL_TAKEN', 'made']);
      expect(await rows('users')).to.have.length(1);
      expect(await eventsOf('UserRegistered')).to.have.length(1);
    });

    it('is done once under one key, and each repetition gets the first answer to the byte', async () => {
      const options = { idempotencyKey: 'register-1' };
      const answers = await Promise.all(Array.from({ length: 4 }, () => register({}, options)));
      const user = as((await login()).token);
      await client.updateProfile({ name: 'Countess' }, user);
      await clock.advance(5_000);
      answers.push(await register({}, options));
      const bytes = answers.map((each) =>
        Buffer.from(RegisterResponse.encode(each).finish()).toString('hex'),
      );
      expect(new Set(bytes).size).to.equal(1);
      expect(await rows('users')).to.have.length(1);
      expect(await eventsOf('UserRegistered')).to.have.length(1);
    });

    it('keeps nothing under a key by which a password could be guessed faster than by its hash', async () => {
      await register({}, { idempotencyKey: 'one' });
      const digest = createHash('sha256').update(RegisterRequest.encode(ada).finish()).digest('hex');
      const [command] = await alone.store.query({ sql: 'SELECT * FROM mesh_commands' });
      const kept = Object.values(command ?? {}).map((value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value),
      );
      expect(kept).to.include('one');
      expect(kept).not.to.include(digest);
    });

    it('refuses a key that another request has used, and another key for the same address', async () => {
      await register({}, { idempotencyKey: 'one' });
      expect(await reasonOf(register({ name: 'Bea' }, { idempotencyKey: 'one' }))).to.equal(
        'IDEMPOTENCY_KEY_REUSED',
      );
      expect(await reasonOf(register({}, { idempotencyKey: 'two' }))).to.equal('EMAIL_TAKEN');
    });

    it('turns callers away when too many passwords wait, and takes them again afterwards', async () => {
      await alone.stop();
      await start({ USERS_HASHES_AT_ONCE: '1', USERS_HASHES_WAITING: '1' });
      const outcomes = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          register({ email: `user-${index}@example.com` }).then(
            () => 'made',
            (error: unknown) => MeshError.from(error).reason,
          ),
        ),
      );
      expect(outcomes).to.include('OVERLOADED');
      expect(await rows('users')).to.have.length(outcomes.filter((outcome) => outcome === 'made').length);
      expect((await register({ email: 'later@example.com' })).user?.email).to.equal('later@example.com');
    });
  });

  describe('logging in', () => {
    it('gives a token that holds, and the account', async () => {
      const made = await register();
      const session = await login('ADA@example.com ');
      expect(session.user).to.deep.equal(made.user);
      expect(millisOf(session.expiresAt) - clock.clock.nowMs()).to.equal(3_600_000);
      expect((await client.getUser({}, as(session.token))).user).to.deep.equal(made.user);
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
      await clock.advance(600_000);
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
      const { keys } = await client.listSigningKeys({}, outside());
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
      await alone.stop();
      await start({ USERS_TOKEN_MINUTES: '5' });
      const user = await newUser();
      const lateBy = (ms: number) => {
        clock.setWallTime(clock.clock.nowMs() + ms);
        return testContext({ clock: clock.clock, userToken: user.userToken });
      };
      expect((await client.getUser({}, lateBy(299_000))).user?.email).to.equal(ada.email);
      const error = await errorOf(client.getUser({}, lateBy(1_000)));
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
        expect(await reasonOf(client.getUser({}, as(forged))), forged).to.equal('TOKEN_INVALID');
      }
      expect(await reasonOf(client.getUser({}, outside()))).to.equal('TOKEN_MISSING');
    });
  });

  describe('a guest', () => {
    it('gets a token for 30 days and an id of its own each time', async () => {
      const one = await client.createGuestSession({}, outside());
      const other = await client.createGuestSession({}, outside());
      expect(one.guestId).to.match(/^guest_[0-9a-z]{26}$/);
      expect(other.guestId).not.to.equal(one.guestId);
      expect(millisOf(one.expiresAt) - clock.clock.nowMs()).to.equal(30 * 86_400_000);
      const claims = JSON.parse(Buffer.from(one.token.split('.')[1] ?? '', 'base64url').toString());
      expect(claims).to.include({ sub: one.guestId, kind: 'guest', scope: 'cart' });
    });

    it('may not touch accounts and addresses', async () => {
      const guest = as((await client.createGuestSession({}, outside())).token);
      for (const call of [
        client.getUser({}, guest),
        client.updateProfile({ name: 'Guest' }, guest),
        client.listAddresses({}, guest),
        client.addAddress({ address: home }, guest),
        client.removeAddress({ addressId: 'adr_1' }, guest),
      ]) {
        expect(await errorOf(call)).to.include({ code: 'PERMISSION_DENIED', reason: 'SCOPE_MISSING' });
      }
    });
  });

  describe('a profile', () => {
    it('is renamed, and the change is told', async () => {
      const user = await newUser();
      const { user: renamed } = await client.updateProfile({ name: ' Countess ' }, user);
      expect(renamed?.name).to.equal('Countess');
      expect((await client.getUser({}, user)).user).to.deep.equal(renamed);
      const [event] = await eventsOf('UserUpdated');
      expect(UserUpdated.decode(event?.data ?? new Uint8Array())).to.include({
        userId: renamed?.id,
        name: 'Countess',
      });
    });

    it('of an account that is gone is not found', async () => {
      const user = await newUser();
      await alone.store.commit({ statements: [{ sql: 'DELETE FROM users' }] });
      for (const call of [
        client.getUser({}, user),
        client.updateProfile({ name: 'Ghost' }, user),
        client.addAddress({ address: home }, user),
      ]) {
        expect(await errorOf(call)).to.include({ code: 'NOT_FOUND', reason: 'USER_NOT_FOUND' });
      }
    });
  });

  describe('an address book', () => {
    const add = (user: ReturnType<typeof as>, line1 = home.line1, options = {}) =>
      client.addAddress({ address: { ...home, line1 } }, user, options);
    const listed = async (user: ReturnType<typeof as>) =>
      (await client.listAddresses({}, user)).addresses.map(({ address }) => address?.line1);

    it('lists what was added, oldest first, and forgets what is removed', async () => {
      const user = await newUser();
      expect(await listed(user)).to.deep.equal([]);
      const { address } = await add(user, 'First 1');
      expect(address?.id).to.match(/^adr_[0-9a-z]{26}$/);
      expect(address?.address).to.deep.equal({ ...home, line1: 'First 1' });
      await add(user, 'Second 2');
      const third = (await add(user, 'Third 3')).address?.id ?? '';
      await client.removeAddress({ addressId: third }, user);
      await add(user, 'Fourth 4');
      expect(await listed(user)).to.deep.equal(['First 1', 'Second 2', 'Fourth 4']);
      expect(await reasonOf(client.removeAddress({ addressId: third }, user))).to.equal('ADDRESS_NOT_FOUND');
    });

    it("is its owner's alone", async () => {
      const user = await newUser();
      const other = await newUser('eve@example.com');
      const addressId = (await add(user)).address?.id ?? '';
      expect(await listed(other)).to.deep.equal([]);
      const stolen = await errorOf(client.removeAddress({ addressId }, other));
      const unknown = await errorOf(client.removeAddress({ addressId: 'adr_none' }, other));
      expect(stolen).to.include({ code: 'NOT_FOUND', reason: 'ADDRESS_NOT_FOUND' });
      expect(stolen.message.replace(addressId, 'adr_none')).to.equal(unknown.message);
      expect(await listed(user)).to.deep.equal([home.line1]);
    });

    it('holds 20, and one more when one is removed', async () => {
      const user = await newUser();
      for (let number = 1; number <= 20; number += 1) await add(user, `Road ${number}`);
      expect(await errorOf(add(user))).to.include({ code: 'FAILED_PRECONDITION', reason: 'ADDRESS_LIMIT' });
      const [first] = (await client.listAddresses({}, user)).addresses;
      await client.removeAddress({ addressId: first?.id ?? '' }, user);
      await add(user, 'Road 21');
      expect((await listed(user)).at(-1)).to.equal('Road 21');
      expect(await listed(user)).to.have.length(20);
    });

    it('loses none of several that are added at once, and never holds more than 20', async () => {
      const user = await newUser();
      await Promise.all(['One 1', 'Two 2', 'Three 3', 'Four 4'].map((line1) => add(user, line1)));
      expect((await listed(user)).sort()).to.deep.equal(['Four 4', 'One 1', 'Three 3', 'Two 2']);
      for (let number = 5; number < 20; number += 1) await add(user, `Road ${number}`);
      const reasons = await Promise.all(
        ['Last 1', 'Last 2', 'Last 3'].map((line1) =>
          add(user, line1).then(
            () => 'added',
            (error: unknown) => MeshError.from(error).reason,
          ),
        ),
      );
      expect(reasons.sort()).to.deep.equal(['ADDRESS_LIMIT', 'ADDRESS_LIMIT', 'added']);
      expect(await listed(user)).to.have.length(20);
    });

    it('takes an addition under one key once, for each user apart', async () => {
      const user = await newUser();
      const other = await newUser('bea@example.com');
      const options = { idempotencyKey: 'same' };
      const first = await add(user, 'Same 1', options);
      const again = await Promise.all(Array.from({ length: 5 }, () => add(user, 'Same 1', options)));
      for (const each of again) expect(each).to.deep.equal(first);
      expect(await listed(user)).to.have.length(1);
      expect(await reasonOf(add(user, 'Other 2', options))).to.equal('IDEMPOTENCY_KEY_REUSED');
      expect((await add(other, 'Other 2', options)).address?.address?.line1).to.equal('Other 2');
    });
  });

  describe('bad input', () => {
    const long = (length: number) => 'x'.repeat(length);
    const bad: [what: string, call: () => Promise<unknown>, ...violations: string[]][] = [
      [
        'nothing at all',
        () => register({ email: '', password: '', name: '' }),
        'email string.email_empty',
        'password string.min_len',
        'name string.min_len',
      ],
      ['an address without an at', () => register({ email: 'ada' }), 'email string.email'],
      ['two addresses', () => register({ email: 'a@example.com, b@example.com' }), 'email string.email'],
      [
        'a header in the address',
        () => register({ email: 'a@example.com\r\nBcc: b@example.com' }),
        'email string.email',
      ],
      ['a password of 7', () => register({ password: long(7) }), 'password string.min_len'],
      ['a password of 129', () => register({ password: long(129) }), 'password string.max_len'],
      ['a name of 101', () => register({ name: long(101) }), 'name string.max_len'],
      ['a name of blanks', () => register({ name: ' \t ' }), 'name string.blank'],
      ['a login without anything', () => login('', ''), 'email string.min_len', 'password string.min_len'],
      ['a login with a password of 129', () => login(ada.email, long(129)), 'password string.max_len'],
    ];
    for (const [what, call, ...violations] of bad) {
      it(`refuses ${what}, and names field and rule`, async () => {
        const error = await errorOf(call());
        expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED' });
        expect(error.violations.map(({ field, rule }) => `${field} ${rule}`)).to.deep.equal(violations);
        expect(await rows('users')).to.have.length(0);
      });
    }

    it('refuses bad names and addresses of a user who is logged in', async () => {
      const user = await newUser();
      const cases: [call: Promise<unknown>, ...violations: string[]][] = [
        [client.updateProfile({ name: '' }, user), 'name string.min_len'],
        [client.updateProfile({ name: '   ' }, user), 'name string.blank'],
        [client.addAddress({ address: undefined }, user), 'address required'],
        [client.addAddress({ address: { ...home, country: 'de' } }, user), 'address.country string.pattern'],
        [
          client.addAddress({ address: { ...home, name: '', city: long(101) } }, user),
          'address.name string.min_len',
          'address.city string.max_len',
        ],
        [client.removeAddress({ addressId: '' }, user), 'addressId string.min_len'],
        [client.removeAddress({ addressId: long(65) }, user), 'addressId string.max_len'],
      ];
      for (const [call, ...violations] of cases) {
        const error = await errorOf(call);
        expect(error.code).to.equal('INVALID_ARGUMENT');
        expect(error.violations.map(({ field, rule }) => `${field} ${rule}`)).to.deep.equal(violations);
      }
    });
  });

  it('does not start with a setting that makes no sense', async () => {
    const outcome = await startLoneService({
      name: 'users',
      service,
      environment: { USERS_TOKEN_MINUTES: 'an hour' },
    }).then(
      async (started) => {
        await started.stop();
        return 'it started';
      },
      (error: Error) => `${error.name}: ${error.message}`,
    );
    expect(outcome).to.match(/^StartupError: USERS_TOKEN_MINUTES is 'an hour'/);
  });
});
