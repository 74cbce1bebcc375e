import { expect } from 'chai';
import { busMessage } from './contract-suite.js';
import { onceEach } from './once-each.js';

describe('a subscription that hears each message once', () => {
  const heard: string[] = [];
  const subscribed = (remembered?: number) => {
    heard.length = 0;
    return onceEach(
      {
        group: 'mail',
        topics: { order: ['test.Placed'] },
        handle: async ({ id, attempt }) => {
          if (id === 'failing' && attempt === 1) throw new Error('not yet');
          heard.push(id);
        },
      },
      remembered,
    );
  };
  const delivery = (id: string, attempt = 1) => ({ ...busMessage(id), attempt });

  it('passes over what was handled', async () => {
    const { handle } = subscribed();
    for (const id of ['a', 'b', 'a']) await handle(delivery(id));
    expect(heard).to.deep.equal(['a', 'b']);
  });

  it('hands on again what failed', async () => {
    const { handle } = subscribed();
    const failure = await handle(delivery('failing')).catch((error: Error) => error.message);
    expect(failure).to.equal('not yet');
    await handle(delivery('failing', 2));
    expect(heard).to.deep.equal(['failing']);
  });

  it('forgets the oldest when it remembers many', async () => {
    const { handle } = subscribed(2);
    for (const id of ['a', 'b', 'c', 'b', 'a']) await handle(delivery(id));
    expect(heard).to.deep.equal(['a', 'b', 'c', 'a']);
  });
});
