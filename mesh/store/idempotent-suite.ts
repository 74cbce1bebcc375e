import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { testCommand, testContext } from '../testing/test-context.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { bytesOf, type StoreSetup } from './contract-suite.js';
import { answerOnce } from './idempotent.js';
import { type Batch, type Store, StoreConflict } from './store.js';

const codec = {
  encode: (text: string) => ({ finish: () => bytesOf(text) }),
  decode: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
};
const codeOf = (error: unknown) => (MeshError.is(error) ? `${error.code} ${error.reason}` : String(error));

/** Commands that are done once, on any kind of store. */
export function answerOnceContract(name: string, makeSetup: () => StoreSetup): void {
  describe(`answerOnce: ${name}`, () => {
    let setup: StoreSetup;
    let store: Store;
    let works: number;
    let sold: number;
    beforeEach(async () => {
      setup = makeSetup();
      store = await setup.open(
        'order',
        ['CREATE TABLE sale (id TEXT PRIMARY KEY, item TEXT)'],
        virtualClock().clock,
      );
      works = 0;
      sold = 0;
    });
    afterEach(() => setup.close());

    const sale = (): Batch => {
      sold += 1;
      return {
        statements: [{ sql: 'INSERT INTO sale (id, item) VALUES (?, ?)', values: [`${sold}`, 'tea'] }],
      };
    };
    const sales = async () => (await store.query({ sql: 'SELECT id FROM sale' })).length;
    const buy = (command = testCommand('k'), before: () => Promise<unknown> = async () => undefined) =>
      answerOnce({
        store,
        context: testContext({ command }),
        codec,
        work: async () => {
          works += 1;
          const response = `answer ${works}`;
          await before();
          return { batch: sale(), response };
        },
      });

    it('does a command once and repeats the first answer', async () => {
      expect(await buy()).to.equal('answer 1');
      expect(await buy()).to.equal('answer 1');
      expect([works, await sales()]).to.deep.equal([1, 1]);
    });

    it('stores the bytes of the answer in the transaction of the effect', async () => {
      await buy();
      expect((await store.findCommand(testCommand('k')))?.response).to.deep.equal(bytesOf('answer 1'));
    });

    it('repeats an empty answer too', async () => {
      const work = async () => ({ batch: sale(), response: '' });
      const context = testContext({ command: testCommand('k') });
      for (let time = 0; time < 2; time += 1)
        expect(await answerOnce({ store, context, codec, work })).to.equal('');
      expect(await sales()).to.equal(1);
    });

    it('does another key, and the same key of another scope, as other commands', async () => {
      await buy();
      await buy(testCommand('k2'));
      await buy(testCommand('k', undefined, 'user:else'));
      expect(await sales()).to.equal(3);
    });

    it('does a command without a key each time', async () => {
      const work = async () => ({ batch: sale(), response: 'done' });
      for (let time = 0; time < 2; time += 1)
        await answerOnce({ store, context: testContext(), codec, work });
      expect(await sales()).to.equal(2);
    });

    it('refuses a key that was used with another request, before any work', async () => {
      await buy(testCommand('k', bytesOf('this')));
      const error = await buy(testCommand('k', bytesOf('that'))).catch((thrown: unknown) => thrown);
      expect(codeOf(error)).to.equal('ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED');
      expect([works, await sales()]).to.deep.equal([1, 1]);
    });

    it('gives the winner and the loser of a race the same answer, with one effect', async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => buy()));
      expect(new Set(answers).size).to.equal(1);
      expect(await sales()).to.equal(1);
    });

    it('refuses the loser of a race when the winner had another request', async () => {
      const error = await buy(testCommand('k', bytesOf('this')), () =>
        buy(testCommand('k', bytesOf('that'))),
      ).catch((thrown: unknown) => thrown);
      expect(codeOf(error)).to.equal('ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED');
      expect(await sales()).to.equal(1);
    });

    it('asks to try again while the first is accepted but not answered', async () => {
      await store.commit({ command: { ...testCommand('k'), response: null } });
      const error = await buy().catch((thrown: unknown) => thrown);
      expect(codeOf(error)).to.equal('ABORTED CONFLICT');
      expect(await sales()).to.equal(0);
    });

    it('stores nothing when the work fails, or meets another state than it saw', async () => {
      const failure = await buy(testCommand('k'), () => Promise.reject(new Error('no'))).catch(String);
      expect(failure).to.equal('Error: no');
      const guarded: Batch = { statements: [{ sql: 'DELETE FROM sale', changes: 1, guard: 'there' }] };
      const conflict = await answerOnce({
        store,
        context: testContext({ command: testCommand('k') }),
        codec,
        work: async () => ({ batch: guarded, response: 'done' }),
      }).catch((thrown: unknown) => thrown);
      expect(conflict instanceof StoreConflict && conflict.kind).to.equal('guard');
      expect(await buy()).to.equal('answer 2');
    });
  });
}
