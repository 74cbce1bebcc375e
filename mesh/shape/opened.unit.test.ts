import { expect } from 'chai';
import { opening } from './opened.js';

describe('what was opened', () => {
  it('is closed in the opposite order, each once, although one fails', async () => {
    const closed: string[] = [];
    const opened = await opening(async (noted) => {
      noted.push(() => closed.push('first'));
      noted.push(() => {
        closed.push('second');
        throw new Error('second can not be closed');
      });
      noted.push(async () => closed.push('third'));
      return noted;
    });
    const failure = await opened.close().catch((error: Error) => error.message);
    expect(failure).to.equal('second can not be closed');
    expect(closed).to.deep.equal(['third', 'second', 'first']);
    await opened.close();
    expect(closed).to.have.length(3);
  });

  it('is closed when a later step of the start fails, whose error is told', async () => {
    const closed: string[] = [];
    const failure = await opening(async (opened) => {
      opened.push(() => closed.push('first'));
      throw new Error('port 1 is taken');
    }).catch((error: Error) => error.message);
    expect(failure).to.equal('port 1 is taken');
    expect(closed).to.deep.equal(['first']);
  });
});
