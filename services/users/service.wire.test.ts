import { expect } from 'chai';
import { startLoneService } from '../../mesh/testing/lone-service.js';
import { ada, errorOf, hashingTimeoutMs, home, loneUsers } from './lone-users.test.js';
import { service } from './service.js';

describe('users', function () {
  this.timeout(hashingTimeoutMs);
  const users = loneUsers();
  const { register, login, newUser, rows } = users;

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
        [users.client.updateProfile({ name: '' }, user), 'name string.min_len'],
        [users.client.updateProfile({ name: '   ' }, user), 'name string.blank'],
        [users.client.addAddress({ address: undefined }, user), 'address required'],
        [
          users.client.addAddress({ address: { ...home, country: 'de' } }, user),
          'address.country string.pattern',
        ],
        [
          users.client.addAddress({ address: { ...home, name: '', city: long(101) } }, user),
          'address.name string.min_len',
          'address.city string.max_len',
        ],
        [users.client.removeAddress({ addressId: '' }, user), 'addressId string.min_len'],
        [users.client.removeAddress({ addressId: long(65) }, user), 'addressId string.max_len'],
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
