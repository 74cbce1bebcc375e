import { expect } from 'chai';
import { testCommand, testContext, testUser } from './test-context.js';
import { virtualClock } from './virtual-clock.js';

describe('test context', () => {
  it('is a call from outside by nobody, a minute before its deadline', () => {
    const { clock } = virtualClock();
    const context = testContext({ clock });
    expect(context.deadlineMs).to.equal(clock.nowMs() + 60_000);
    expect(context).to.include({
      caller: 'outside',
      user: undefined,
      command: undefined,
      priority: 'normal',
    });
    expect(context.signal.aborted).to.equal(false);
    expect(context).to.not.have.property('clock');
  });

  it('takes whatever the test wants to be otherwise', () => {
    const user = testUser('usr_1', ['cart']);
    const command = testCommand('key-1');
    expect(testContext({ user, command, caller: 'order', deadlineMs: 5 })).to.include({
      user,
      command,
      caller: 'order',
      deadlineMs: 5,
    });
  });

  it('remembers the trailers that were set', () => {
    const context = testContext();
    context.setTrailer('x-http-code', '202');
    expect(context.trailers).to.deep.equal({ 'x-http-code': '202' });
  });

  it('gives the same command the same hash, and another request another one', () => {
    const request = new Uint8Array([1, 2, 3]);
    expect(testCommand('k', request).requestHash).to.deep.equal(testCommand('k', request).requestHash);
    expect(testCommand('k', request).requestHash).to.not.deep.equal(testCommand('k').requestHash);
    expect(testCommand('k').requestHash).to.have.length(32);
  });
});
