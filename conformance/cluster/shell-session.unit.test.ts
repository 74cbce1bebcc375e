import { expect } from 'chai';
import { openShell, type ShellSession } from './shell-session.js';

describe('a session of a shell', () => {
  let shell: ShellSession;
  beforeEach(() => {
    shell = openShell({ GREETING: 'hello' });
  });
  afterEach(() => shell.end());

  it('keeps what one block has set for the next, and gives what each printed', async () => {
    expect(await shell.run('NAME=Ada\nf() { echo "$GREETING $NAME"; }', 5_000)).to.equal('');
    expect(await shell.run('f\ncat', 5_000)).to.equal('hello Ada\n');
  });

  it('fails with the block and what was said when a line fails, also one in a pipe', async () => {
    const failure = await shell
      .run('echo before\n(echo why >&2; false) | cat\necho after', 5_000)
      .catch(String);
    expect(failure)
      .to.match(/before/)
      .and.match(/why/)
      .and.not.match(/^after/m);
  });

  it('fails when the first of lines that depend on each other fails', async () => {
    expect(await shell.run('echo before &&\nfalse &&\necho after', 5_000).catch(String)).to.match(
      /the lines failed[\s\S]*\nbefore\n/,
    );
  });

  it('fails when a block takes too long', async () => {
    expect(await shell.run('sleep 60', 300).catch(String)).to.match(/took longer than 300 ms/);
  });

  it('does not wait for what a block leaves in the background, and ends it', async () => {
    expect(await shell.run('sleep 60 > /dev/null &\necho $!', 5_000)).to.match(/^\d+\n$/);
  });
});
