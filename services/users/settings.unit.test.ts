import { expect } from 'chai';
import { readSettings } from './settings.js';

const good: Readonly<Record<string, string>> = {
  tokenMinutes: '60',
  guestTokenDays: '30',
  hashesAtOnce: '2',
  hashesWaiting: '64',
};
const read = (changed: Record<string, string> = {}) =>
  readSettings((name) => ({ ...good, ...changed })[name] ?? '');

describe('the settings of users', () => {
  it('are read in the units that the service works with', () => {
    expect(read()).to.deep.equal({
      tokenLifetimeMs: 3_600_000,
      guestLifetimeMs: 2_592_000_000,
      hashesAtOnce: 2,
      hashesWaiting: 64,
    });
    expect(read({ tokenMinutes: '0.5', hashesWaiting: '0' })).to.include({
      tokenLifetimeMs: 30_000,
      hashesWaiting: 0,
    });
  });

  const wrong: [name: string, text: string, says: RegExp][] = [
    ['tokenMinutes', 'an hour', /^USERS_TOKEN_MINUTES is 'an hour': give a number from 0.1 to 525600$/],
    ['tokenMinutes', '0', /^USERS_TOKEN_MINUTES is '0'/],
    ['tokenMinutes', '-5', /^USERS_TOKEN_MINUTES is '-5'/],
    ['tokenMinutes', 'Infinity', /^USERS_TOKEN_MINUTES is 'Infinity'/],
    ['tokenMinutes', ' ', /^USERS_TOKEN_MINUTES is ''/],
    ['guestTokenDays', 'NaN', /^USERS_GUEST_TOKEN_DAYS is 'NaN': give a number from 0.001 to 365$/],
    ['hashesAtOnce', '0', /^USERS_HASHES_AT_ONCE is '0': give a whole number from 1 to 64$/],
    ['hashesAtOnce', '1.5', /^USERS_HASHES_AT_ONCE is '1.5'/],
    ['hashesWaiting', '-1', /^USERS_HASHES_WAITING is '-1': give a whole number from 0 to 10000$/],
  ];
  for (const [name, text, says] of wrong) {
    it(`refuse ${name} = '${text}' and name the variable and its range`, () => {
      expect(() => read({ [name]: text })).to.throw(says);
    });
  }
});
