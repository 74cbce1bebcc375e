import { join } from 'node:path';
import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { openSqliteStore } from '../../mesh/store/sqlite-store.js';
import type { Store } from '../../mesh/store/store.js';
import { collectingLog } from '../../mesh/testing/collecting-log.js';
import { type TemporaryFolder, temporaryFolder } from '../../mesh/testing/temporary-folder.js';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import { schema } from './schema.js';
import { createSender } from './sender.js';

describe('senders of two instances on one database', () => {
  let folder: TemporaryFolder;
  let time: VirtualClock;
  let stores: Store[];
  let sent: { by: string; messageId: string }[];
  let away: boolean;
  beforeEach(() => {
    folder = temporaryFolder();
    time = virtualClock();
    stores = [];
    sent = [];
    away = false;
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    folder.remove();
  });

  /** @param deliver what becomes of a mail besides that it is noted. */
  const instance = (by: string, deliver: () => Promise<void> = async () => undefined) => {
    const store = openSqliteStore({
      path: join(folder.path, 'notification.db'),
      service: 'notification',
      schema,
      clock: time.clock,
    });
    stores.push(store);
    const send = createSender({
      store,
      clock: time.clock,
      log: collectingLog(),
      stopping: new AbortController().signal,
      mail: {
        send: async ({ messageId }) => {
          if (away) throw new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'away' });
          sent.push({ by, messageId });
          await deliver();
        },
      },
    });
    return { store, send };
  };
  const write = (store: Store, count: number) =>
    store.commit({
      statements: Array.from({ length: count }, (_, n) => ({
        sql: `INSERT INTO notifications (id, user_id, kind, email, subject, body, state, created_at_ms)
          VALUES (?, 'usr_1', 'welcome', 'a@example.com', 'Hello', 'Hello', 'pending', 0)`,
        values: [`ntf_${String(n).padStart(3, '0')}`],
      })),
    });
  const pending = async (store: Store) => {
    const rows = await store.query({ sql: "SELECT id FROM notifications WHERE state = 'pending'" });
    return rows.length;
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  it('send each mail once, and share the work', async () => {
    const [one, other] = [instance('one', turn), instance('other', turn)];
    await write(one.store, 120);
    await Promise.all([one.send(), other.send()]);
    expect(await pending(one.store)).to.equal(0);
    expect(new Set(sent.map(({ messageId }) => messageId))).to.have.property('size', 120);
    expect(sent).to.have.length(120);
    expect(new Set(sent.map(({ by }) => by))).to.have.property('size', 2);
  });

  it('leave a mail alone that the other may still be sending, and send it when that has died', async () => {
    const dying = instance('dying', () => new Promise(() => undefined));
    const other = instance('other');
    await write(other.store, 1);
    void dying.send();
    while (sent.length === 0) await turn();
    await time.advance(29_999);
    await other.send();
    expect(sent.map(({ by }) => by)).to.deep.equal(['dying']);
    await time.advance(1);
    await other.send();
    expect(sent.map(({ by }) => by)).to.deep.equal(['dying', 'other']);
    expect(new Set(sent.map(({ messageId }) => messageId)), 'the same Message-ID').to.have.property(
      'size',
      1,
    );
    expect(await pending(other.store)).to.equal(0);
  });

  it('wait for no claim of one that the mail server did not take', async () => {
    const [one, other] = [instance('one'), instance('other')];
    await write(one.store, 3);
    away = true;
    await one.send();
    away = false;
    await other.send();
    expect(sent.map(({ by }) => by)).to.deep.equal(['other', 'other', 'other']);
  });

  it('are not held up by claims from before the clock was set back', async () => {
    const dying = instance('dying', () => new Promise(() => undefined));
    const other = instance('other');
    await write(other.store, 1);
    void dying.send();
    while (sent.length === 0) await turn();
    time.setWallTime(time.clock.nowMs() - 3_600_000);
    await other.send();
    expect(sent.map(({ by }) => by)).to.deep.equal(['dying', 'other']);
  });
});
