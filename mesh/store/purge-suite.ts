import { expect } from 'chai';
import { testCommand } from '../testing/test-context.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { bytesOf, type StoreSetup } from './contract-suite.js';
import { purge } from './purge.js';

const dayMs = 24 * 60 * 60 * 1_000;

/** Forgetting, on any kind of store. */
export function purgeContract(name: string, makeSetup: () => StoreSetup): void {
  describe(`purge: ${name}`, () => {
    it('forgets answers after 7 days and messages after 30, never a command without an answer', async () => {
      const time = virtualClock();
      const setup = makeSetup();
      const store = await setup.open('test', [], time.clock);
      await store.commit({
        command: { ...testCommand('answered'), response: bytesOf('done') },
        inbox: { consumer: 'c', messageId: 'm' },
      });
      await store.commit({ command: { ...testCommand('open'), response: null } });
      const remembered = async () => {
        await purge(store, time.clock.nowMs());
        return [
          (await store.findCommand(testCommand('answered'))) !== undefined,
          await store.inboxHas('c', 'm'),
          (await store.findCommand(testCommand('open'))) !== undefined,
        ];
      };
      await time.advance(7 * dayMs);
      expect(await remembered()).to.deep.equal([true, true, true]);
      await time.advance(1);
      expect(await remembered()).to.deep.equal([false, true, true]);
      await time.advance(23 * dayMs);
      expect(await remembered()).to.deep.equal([false, false, true]);
      await setup.close();
    });
  });
}
