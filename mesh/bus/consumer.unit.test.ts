import { expect } from 'chai';
import { openSqliteStore } from '../store/sqlite-store.js';
import { type Store, StoreConflict } from '../store/store.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { handleOnce } from './consumer.js';
import { busMessage } from './contract-suite.js';
import { poisonedConsumer } from './poison-suite.js';

describe('handleOnce', () => {
  let store: Store;
  beforeEach(() => {
    store = openSqliteStore({
      path: ':memory:',
      service: 'mail',
      schema: ['CREATE TABLE letter (id TEXT)'],
      clock: virtualClock().clock,
    });
  });
  afterEach(() => store.close());

  const delivery = { ...busMessage('m1'), attempt: 1 };
  const write = async () => ({ statements: [{ sql: 'INSERT INTO letter (id) VALUES (?)', values: ['l'] }] });
  const letters = async () => (await store.query({ sql: 'SELECT id FROM letter' })).length;

  it('gives a message its effect once, and does not even decide a second time', async () => {
    await handleOnce(store, 'mail', delivery, write);
    await handleOnce(store, 'mail', delivery, () => expect.fail('decided again'));
    expect(await letters()).to.equal(1);
    expect(await store.inboxHas('mail', 'm1')).to.equal(true);
  });

  it('counts a message as done that another instance has handled in between', async () => {
    await handleOnce(store, 'mail', delivery, async () => {
      await handleOnce(store, 'mail', delivery, write);
      return write();
    });
    expect(await letters()).to.equal(1);
  });

  it('leaves a message unhandled when the decision or the commit fails', async () => {
    const failing = await handleOnce(store, 'mail', delivery, () => Promise.reject(new Error('no'))).catch(
      String,
    );
    expect(failing).to.equal('Error: no');
    const guarded = async () => ({ statements: [{ sql: 'DELETE FROM letter', changes: 1 }] });
    const conflict = await handleOnce(store, 'mail', delivery, guarded).catch((error: unknown) => error);
    expect(conflict instanceof StoreConflict && conflict.kind).to.equal('guard');
    expect(await store.inboxHas('mail', 'm1')).to.equal(false);
    await handleOnce(store, 'mail', delivery, write);
    expect(await letters()).to.equal(1);
  });
});

poisonedConsumer('SQLite', async (schema) =>
  openSqliteStore({ path: ':memory:', service: 'mail', schema, clock: virtualClock().clock }),
);
