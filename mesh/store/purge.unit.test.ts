import { expect } from 'chai';
import { testCommand } from '../testing/test-context.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { bytesOf } from './contract-suite.js';
import { purge } from './purge.js';
import { openSqliteStore } from './sqlite-store.js';

const dayMs = 24 * 60 * 60 * 1_000;

describe('purge', () => {
  it('forgets answers after 7 days and messages after 30, never a command without an answer', async () => {
    const time = virtualClock();
    const store = openSqliteStore({ path: ':memory:', service: 'test', schema: [], clock: time.clock });
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
    await store.close();
  });
});
