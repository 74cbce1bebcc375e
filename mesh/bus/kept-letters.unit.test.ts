import { expect } from 'chai';
import type { DeadLetter } from './bus.js';
import { busMessage } from './contract-suite.js';
import { type KeptLettersBounds, keptLetters } from './kept-letters.js';

const letter = (id: string, length = 10): DeadLetter => ({
  group: 'mail',
  message: { ...busMessage(id), data: new Uint8Array(length) },
  attempts: 3,
  lastError: 'no',
  failedAtMs: 0,
});

describe('dead letters that are kept in memory', () => {
  /** A log with a memory that reads it. */
  const kept = (bounds: KeptLettersBounds, ...ids: string[]) => {
    const letters = keptLetters(bounds);
    const log: (readonly [id: string, letter: DeadLetter | undefined])[] = [];
    const write = (id: string, written: DeadLetter | undefined = letter(id)) => {
      letters.take(id, log.length, written);
      log.push([id, written]);
    };
    for (const id of ids) write(id);
    return {
      ids: () => [...letters.all().keys()],
      write,
      replay: (id: string) => {
        letters.take(id, log.length, undefined);
        log.push([id, undefined]);
      },
      readAgain: () => {
        for (const [offset, [id, written]] of log.entries()) letters.take(id, offset, written);
      },
      outdated: letters.outdated,
      rewind: letters.rewind,
    };
  };

  it('stand in the order of the last word on each', () => {
    const { ids, replay } = kept({}, 'a', 'b', 'c', 'a');
    expect(ids()).to.deep.equal(['b', 'c', 'a']);
    replay('c');
    expect(ids()).to.deep.equal(['b', 'a']);
  });

  it('are the oldest, as many as there may be', () => {
    const { ids, outdated } = kept({ letters: 4 }, 'a', 'b', 'c', 'd', 'e', 'f');
    expect(ids()).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(outdated()).to.equal(false);
  });

  it('are the oldest, as long as they may be, and at least one', () => {
    expect(kept({ bytes: 25 }, 'a', 'b', 'c').ids()).to.deep.equal(['a', 'b']);
    expect(kept({ bytes: 5 }, 'a', 'b').ids()).to.deep.equal(['a']);
  });

  it('let none pass that was left out, though there is room again', () => {
    const { ids, write, replay } = kept({ letters: 4 }, 'a', 'b', 'c', 'd', 'e');
    replay('a');
    write('f');
    write('b');
    expect(ids()).to.deep.equal(['c', 'd']);
  });

  it('have those beside them that were left out, once half are gone and the log is read again', () => {
    const { ids, replay, outdated, rewind, readAgain } = kept({ letters: 4 }, ...'abcdefgh');
    replay('a');
    expect(outdated()).to.equal(false);
    replay('b');
    expect(outdated()).to.equal(true);
    rewind();
    readAgain();
    expect(ids()).to.deep.equal(['c', 'd', 'e', 'f']);
    expect(outdated()).to.equal(false);
    for (const id of ['c', 'd', 'e', 'f']) replay(id);
    rewind();
    readAgain();
    expect(ids()).to.deep.equal(['g', 'h']);
    expect(outdated()).to.equal(false);
  });

  it('stay as they are when the log comes again unasked', () => {
    const { ids, replay, readAgain } = kept({ letters: 2 }, 'a', 'b', 'c');
    replay('a');
    readAgain();
    expect(ids()).to.deep.equal(['b']);
  });

  it('are not to be read again when none was left out', () => {
    const { ids, write, replay, outdated } = kept({ letters: 2 }, 'a', 'b', 'c');
    replay('c');
    replay('a');
    expect(outdated()).to.equal(false);
    write('d');
    expect(ids()).to.deep.equal(['b', 'd']);
  });
});
