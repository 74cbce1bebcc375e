import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { millisOf } from '../../mesh/contract/timestamp.js';
import { RegisterRequest, RegisterResponse } from '../../proto/gen/meshmart/users/v1/users.js';
import { UserRegistered } from '../../proto/gen/meshmart/users/v1/users_events.js';
import { ada, errorOf, hashingTimeoutMs, loneUsers, password, reasonOf } from './lone-users.test.js';

describe('users: registering', function () {
  this.timeout(hashingTimeoutMs);
  const users = loneUsers();
  const { start, as, register, login, rows, eventsOf } = users;

  it('makes an account under the address in lower case, tells it, and keeps no password', async () => {
    const { user } = await register({ email: 'Ada@Example.COM', name: ' Ada ' });
    expect(user?.id).to.match(/^usr_[0-9a-z]{26}$/);
    expect(user).to.include({ email: 'ada@example.com', name: 'Ada' });
    expect(millisOf(user?.createdAt)).to.equal(users.clock.clock.nowMs());
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
    expect(JSON.stringify(users.alone.log.lines)).not.to.contain(password);
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
    await users.client.updateProfile({ name: 'Countess' }, user);
    await users.clock.advance(5_000);
    answers.push(await register({}, options));
    const bytes = answers.map((each) => Buffer.from(RegisterResponse.encode(each).finish()).toString('hex'));
    expect(new Set(bytes).size).to.equal(1);
    expect(await rows('users')).to.have.length(1);
    expect(await eventsOf('UserRegistered')).to.have.length(1);
  });

  it('keeps nothing under a key by which a password could be guessed faster than by its hash', async () => {
    await register({}, { idempotencyKey: 'one' });
    const digest = createHash('sha256').update(RegisterRequest.encode(ada).finish()).digest('hex');
    const [command] = await users.alone.store.query({ sql: 'SELECT * FROM mesh_commands' });
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
    await users.alone.stop();
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
