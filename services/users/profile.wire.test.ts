import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { UserUpdated } from '../../proto/gen/meshmart/users/v1/users_events.js';
import { errorOf, hashingTimeoutMs, home, loneUsers, reasonOf } from './lone-users.test.js';

describe('users: what is kept of a user', function () {
  this.timeout(hashingTimeoutMs);
  const users = loneUsers();
  const { as, newUser, eventsOf } = users;

  describe('a profile', () => {
    it('is renamed, and the change is told', async () => {
      const user = await newUser();
      const { user: renamed } = await users.client.updateProfile({ name: ' Countess ' }, user);
      expect(renamed?.name).to.equal('Countess');
      expect((await users.client.getUser({}, user)).user).to.deep.equal(renamed);
      const [event] = await eventsOf('UserUpdated');
      expect(UserUpdated.decode(event?.data ?? new Uint8Array())).to.include({
        userId: renamed?.id,
        name: 'Countess',
      });
    });

    it('of an account that is gone is not found', async () => {
      const user = await newUser();
      await users.alone.store.commit({ statements: [{ sql: 'DELETE FROM users' }] });
      for (const call of [
        users.client.getUser({}, user),
        users.client.updateProfile({ name: 'Ghost' }, user),
        users.client.addAddress({ address: home }, user),
      ]) {
        expect(await errorOf(call)).to.include({ code: 'NOT_FOUND', reason: 'USER_NOT_FOUND' });
      }
    });
  });

  describe('an address book', () => {
    const add = (user: ReturnType<typeof as>, line1 = home.line1, options = {}) =>
      users.client.addAddress({ address: { ...home, line1 } }, user, options);
    const listed = async (user: ReturnType<typeof as>) =>
      (await users.client.listAddresses({}, user)).addresses.map(({ address }) => address?.line1);

    it('lists what was added, oldest first, and forgets what is removed', async () => {
      const user = await newUser();
      expect(await listed(user)).to.deep.equal([]);
      const { address } = await add(user, 'First 1');
      expect(address?.id).to.match(/^adr_[0-9a-z]{26}$/);
      expect(address?.address).to.deep.equal({ ...home, line1: 'First 1' });
      await add(user, 'Second 2');
      const third = (await add(user, 'Third 3')).address?.id ?? '';
      await users.client.removeAddress({ addressId: third }, user);
      await add(user, 'Fourth 4');
      expect(await listed(user)).to.deep.equal(['First 1', 'Second 2', 'Fourth 4']);
      expect(await reasonOf(users.client.removeAddress({ addressId: third }, user))).to.equal(
        'ADDRESS_NOT_FOUND',
      );
    });

    it("is its owner's alone", async () => {
      const user = await newUser();
      const other = await newUser('eve@example.com');
      const addressId = (await add(user)).address?.id ?? '';
      expect(await listed(other)).to.deep.equal([]);
      const stolen = await errorOf(users.client.removeAddress({ addressId }, other));
      const unknown = await errorOf(users.client.removeAddress({ addressId: 'adr_none' }, other));
      expect(stolen).to.include({ code: 'NOT_FOUND', reason: 'ADDRESS_NOT_FOUND' });
      expect(stolen.message.replace(addressId, 'adr_none')).to.equal(unknown.message);
      expect(await listed(user)).to.deep.equal([home.line1]);
    });

    it('holds 20, and one more when one is removed', async () => {
      const user = await newUser();
      for (let number = 1; number <= 20; number += 1) await add(user, `Road ${number}`);
      expect(await errorOf(add(user))).to.include({ code: 'FAILED_PRECONDITION', reason: 'ADDRESS_LIMIT' });
      const [first] = (await users.client.listAddresses({}, user)).addresses;
      await users.client.removeAddress({ addressId: first?.id ?? '' }, user);
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
});
