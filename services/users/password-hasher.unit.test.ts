import { scryptSync } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { machineAmbient } from '../../mesh/runtime/ambient.js';
import { createPool, scryptHasher } from './password-hasher.js';

/** A piece of work that ends when the test says so. */
function openWork() {
  const started: string[] = [];
  const endings = new Map<string, (error?: Error) => void>();
  const work = (name: string) => () =>
    new Promise<string>((resolve, reject) => {
      started.push(name);
      endings.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
    });
  const end = async (name: string, error?: Error) => {
    endings.get(name)?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { started, work, end };
}

const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => 'none',
    (error: unknown) => (MeshError.is(error) ? `${error.code} ${error.reason}` : String(error)),
  );

describe('the pool of password hashes', () => {
  it('runs as many as it may, lets as many wait as it may, and turns the next away at once', async () => {
    const { started, work, end } = openWork();
    const enter = createPool({ hashesAtOnce: 2, hashesWaiting: 3 });
    const taken = ['a', 'b', 'c', 'd', 'e'].map((name) => enter(work(name)));
    expect(started).to.deep.equal(['a', 'b']);
    expect(await reasonOf(enter(work('f')))).to.equal('RESOURCE_EXHAUSTED OVERLOADED');
    for (const name of ['b', 'a', 'c', 'd', 'e']) await end(name);
    expect(await Promise.all(taken)).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    expect(started).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
  });

  it('takes more again as soon as one has ended', async () => {
    const { started, work, end } = openWork();
    const enter = createPool({ hashesAtOnce: 1, hashesWaiting: 1 });
    const first = enter(work('a'));
    const second = enter(work('b'));
    expect(await reasonOf(enter(work('c')))).to.equal('RESOURCE_EXHAUSTED OVERLOADED');
    await end('a');
    const third = enter(work('d'));
    await end('b');
    await end('d');
    expect(await Promise.all([first, second, third])).to.deep.equal(['a', 'b', 'd']);
    expect(started).to.deep.equal(['a', 'b', 'd']);
  });

  it('lets nobody wait where none may', async () => {
    const { work, end } = openWork();
    const enter = createPool({ hashesAtOnce: 1, hashesWaiting: 0 });
    const first = enter(work('a'));
    expect(await reasonOf(enter(work('b')))).to.equal('RESOURCE_EXHAUSTED OVERLOADED');
    await end('a');
    await first;
  });

  it('gives the place of work that failed to the next, thrown at once or later', async () => {
    const { work, end } = openWork();
    const enter = createPool({ hashesAtOnce: 1, hashesWaiting: 2 });
    const failing = reasonOf(enter(work('a')));
    const throwing = reasonOf(
      enter(() => {
        throw new Error('at once');
      }),
    );
    const last = enter(work('c'));
    await end('a', new Error('later'));
    expect(await failing).to.equal('Error: later');
    expect(await throwing).to.equal('Error: at once');
    await end('c');
    expect(await last).to.equal('c');
  });

  it('never runs more than it may, whatever ends in whichever order, and forgets nobody', async () => {
    const limits = fc.record({
      hashesAtOnce: fc.integer({ min: 1, max: 4 }),
      hashesWaiting: fc.integer({ min: 0, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(limits, fc.array(fc.nat({ max: 5 }), { maxLength: 40 }), async (pool, turns) => {
        const enter = createPool(pool);
        let running = 0;
        let most = 0;
        const outcomes = turns.map((delay) =>
          enter(async () => {
            running += 1;
            most = Math.max(most, running);
            for (let turn = 0; turn < delay; turn += 1) await Promise.resolve();
            running -= 1;
          }).then(
            () => 'done',
            () => 'refused',
          ),
        );
        const settled = await Promise.all(outcomes);
        expect(most).to.be.at.most(pool.hashesAtOnce);
        expect(running).to.equal(0);
        expect(settled.filter((outcome) => outcome === 'done')).to.have.length(
          Math.min(turns.length, pool.hashesAtOnce + pool.hashesWaiting),
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('a stored password', function () {
  this.timeout(20_000);
  const { random } = machineAmbient();
  const hasher = scryptHasher(random, { hashesAtOnce: 2, hashesWaiting: 64 });

  it('is scrypt of N = 2^15 with a salt of its own', async () => {
    const [one, other] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')]);
    expect(one).not.to.equal(other);
    const [, salt = '', hash = ''] =
      /^\$scrypt\$ln=15,r=8,p=1\$([A-Za-z0-9+/]{22}==)\$([A-Za-z0-9+/]{43}=)$/.exec(one) ?? [];
    const derived = scryptSync('correct horse', Buffer.from(salt, 'base64'), 32, {
      N: 2 ** 15,
      r: 8,
      p: 1,
      maxmem: 64 * 1024 * 1024,
    });
    expect(derived.toString('base64')).to.equal(hash);
  });

  it('is matched by itself and by nothing else', async () => {
    const stored = await hasher.hash('correct horse');
    expect(await hasher.matches('correct horse', stored)).to.equal(true);
    for (const wrong of ['correct horsf', 'correct horse ', 'Correct horse', '']) {
      expect(await hasher.matches(wrong, stored), wrong).to.equal(false);
    }
  });

  it('is the same however a keyboard composes its letters', async () => {
    const stored = await hasher.hash('caf\u00e9 au lait');
    expect(await hasher.matches('cafe\u0301 au lait', stored)).to.equal(true);
  });

  it('of an earlier, cheaper cost still matches', async () => {
    const salt = Buffer.from('0123456789abcdef');
    const key = scryptSync('correct horse', salt, 32, { N: 2 ** 14, r: 8, p: 1 });
    const stored = `$scrypt$ln=14,r=8,p=1$${salt.toString('base64')}$${key.toString('base64')}`;
    expect(await hasher.matches('correct horse', stored)).to.equal(true);
    expect(await hasher.matches('wrong horse', stored)).to.equal(false);
  });

  it('of an unknown form is a mistake, not a wrong password', async () => {
    for (const stored of ['', 'correct horse', '$argon2id$v=19$m=65536$abc$def']) {
      expect(await reasonOf(hasher.matches('correct horse', stored)), stored).to.match(/unknown form/);
    }
  });
});
