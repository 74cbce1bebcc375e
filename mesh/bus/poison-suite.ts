import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import type { SchemaStep } from '../store/schema-step.js';
import type { Store } from '../store/store.js';
import { collectingLog } from '../testing/collecting-log.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { handleOnce } from './consumer.js';
import { busMessage } from './contract-suite.js';
import { openEmbeddedBus } from './embedded-bus.js';

/** What becomes of an event whose effect the database refuses, whatever the store. */
export function poisonedConsumer(
  kind: string,
  openStore: (schema: readonly SchemaStep[]) => Promise<Store>,
): void {
  describe(`a consumer with its store in ${kind}`, () => {
    const maxAttempts = 3;
    /** Hears of `m1` and `m2` of one key; `effect` gives what the first is to write. */
    const hear = async (store: Store, effect: (attempt: number) => string | null) => {
      const time = virtualClock();
      const log = collectingLog();
      const redelivery = { maxAttempts, retryBaseDelayMs: 10, retryMaxDelayMs: 10 };
      const bus = openEmbeddedBus({ path: ':memory:', ambient: time, log, redelivery });
      let working = 0;
      time.settlesWith(() => working > 0);
      await bus.subscribe({
        group: 'mail',
        topics: { order: ['test.Placed'] },
        handle: async (delivery) => {
          const id = delivery.id === 'm1' ? effect(delivery.attempt) : delivery.id;
          const statements = [{ sql: 'INSERT INTO letter (id) VALUES (?)', values: [id] }];
          working += 1;
          await handleOnce(store, 'mail', delivery, async () => ({ statements })).finally(() => {
            working -= 1;
          });
        },
      });
      await bus.publish([busMessage('m1', { key: 'k' }), busMessage('m2', { key: 'k' })]);
      await time.advance(1_000);
      const letters = await bus.deadLetters('mail', 10);
      await bus.close();
      return {
        dead: letters.map(({ message, attempts, lastError }) => ({ id: message.id, attempts, lastError })),
        written: (await store.query({ sql: 'SELECT id FROM letter ORDER BY id' })).map(({ id }) => id),
      };
    };
    let store: Store;
    beforeEach(async () => {
      store = await openStore(['CREATE TABLE letter (id TEXT PRIMARY KEY NOT NULL)']);
    });
    afterEach(() => store.close());

    it('gives up an event that breaks a rule of the database, and goes on with the next of its key', async () => {
      const { dead, written } = await hear(store, () => null);
      expect(written).to.deep.equal(['m2']);
      expect(dead).to.have.length(1);
      expect(dead[0]).to.include({ id: 'm1', attempts: maxAttempts });
      expect(dead[0]?.lastError).to.include("repeating it won't help");
    });

    it('takes an event that comes right in time', async () => {
      const { dead, written } = await hear(store, (attempt) => (attempt < maxAttempts ? null : 'm1'));
      expect(written).to.deep.equal(['m1', 'm2']);
      expect(dead).to.deep.equal([]);
    });

    it('gives up none because the database is away, however often it is tried', async () => {
      const { dead, written } = await hear(store, (attempt) => {
        if (attempt > 2 * maxAttempts) return 'm1';
        throw new MeshError({ code: 'UNAVAILABLE', reason: 'STORAGE_UNAVAILABLE', message: 'it is away' });
      });
      expect(written).to.deep.equal(['m1', 'm2']);
      expect(dead).to.deep.equal([]);
    });
  });
}
