import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../contract/error.js';
import { testCommand } from '../testing/test-context.js';
import { bytesOf, conflictOf } from './contract-suite.js';
import type { Document, Documents } from './documents.js';

/** A place for documents, as its test sets it up. */
export interface DocumentsSetup {
  /** As several instances of a service have them: the same documents, each over a connection of its own. */
  readonly instances: readonly [Documents, Documents, ...Documents[]];
  /** Lets this much time go by for what expires. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

const put = (key: string, expectedVersion: number, text: string) => ({
  key,
  expectedVersion,
  data: bytesOf(text),
});
const textOf = (document: Document | undefined) =>
  document === undefined ? undefined : `${document.version} ${Buffer.from(document.data).toString()}`;

/** What all places for documents do alike. */
export function documentsContract(name: string, open: () => Promise<DocumentsSetup>): void {
  describe(`documents: ${name}`, () => {
    let setup: DocumentsSetup;
    let documents: Documents;
    let other: Documents;
    beforeEach(async () => {
      setup = await open();
      [documents, other] = setup.instances;
    });
    afterEach(() => setup.close());

    const load = async (key: string) => textOf(await documents.load(key));

    it('are absent at first, then count their versions, and every instance sees them', async () => {
      expect(await load('a')).to.equal(undefined);
      await documents.commit({ changes: [put('a', 0, 'one')] });
      await other.commit({ changes: [put('a', 1, 'two')] });
      expect(await load('a')).to.equal('2 two');
      expect(textOf(await other.load('a'))).to.equal('2 two');
    });

    it('keep any bytes under any key', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.string({ unit: 'grapheme', minLength: 1 }),
          fc.uint8Array(),
          async (key, data) => {
            const before = await documents.load(key);
            await documents.commit({ changes: [{ key, expectedVersion: before?.version ?? 0, data }] });
            const after = await documents.load(key);
            expect([...(after?.data ?? [])]).to.deep.equal([...data]);
          },
        ),
        { numRuns: 50 },
      );
    });

    it('conflict on another version, and nothing of the batch is written', async () => {
      await documents.commit({ changes: [put('a', 0, 'one'), put('b', 0, 'one')] });
      const batch = (expected: number) => ({
        changes: [put('b', 1, 'two'), put('a', expected, 'two'), put('c', 0, 'one')],
        inbox: { consumer: 'c', messageId: 'm' },
        command: { ...testCommand('k'), response: bytesOf('answer') },
      });
      for (const expected of [0, 2, 7]) {
        expect(await conflictOf(documents.commit(batch(expected)))).to.deep.equal(['version', 'a']);
      }
      expect([await load('a'), await load('b'), await load('c')]).to.deep.equal([
        '1 one',
        '1 one',
        undefined,
      ]);
      expect(await documents.inboxHas('c', 'm')).to.equal(false);
      expect(await documents.findCommand(testCommand('k'))).to.equal(undefined);
      await documents.commit(batch(1));
      expect([await load('a'), await load('b'), await load('c')]).to.deep.equal(['2 two', '2 two', '1 one']);
    });

    it('begin anew after they were deleted', async () => {
      await documents.commit({ changes: [put('a', 0, 'one')] });
      await documents.commit({ changes: [put('a', 1, 'two')] });
      const remove = (expectedVersion: number) =>
        documents.commit({ changes: [{ key: 'a', expectedVersion, data: null }] });
      expect(await conflictOf(remove(1))).to.deep.equal(['version', 'a']);
      await remove(2);
      expect(await load('a')).to.equal(undefined);
      expect(await conflictOf(remove(2))).to.deep.equal(['version', 'a']);
      expect(await conflictOf(documents.commit({ changes: [put('a', 2, 'x')] }))).to.deep.equal([
        'version',
        'a',
      ]);
      await documents.commit({ changes: [put('a', 0, 'again')] });
      expect(await load('a')).to.equal('1 again');
    });

    it('refuse a batch that contradicts itself', async () => {
      const broken = [
        [put('a', 0, 'x'), put('a', 0, 'y')],
        [{ key: 'a', expectedVersion: 0, data: null }],
        [put('a', -1, 'x')],
        [put('a', 0.5, 'x')],
        [{ ...put('a', 0, 'x'), expiresAfterMs: 0 }],
      ];
      for (const changes of broken) {
        const error = await documents.commit({ changes }).catch((thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(RangeError);
      }
      expect(await load('a')).to.equal(undefined);
    });

    it('take a message once for each consumer', async () => {
      const inbox = { consumer: 'c', messageId: 'm' };
      await documents.commit({ changes: [put('a', 0, 'one')], inbox });
      expect(await other.inboxHas('c', 'm')).to.equal(true);
      expect(await conflictOf(other.commit({ changes: [put('a', 1, 'two')], inbox }))).to.deep.equal([
        'inbox',
        'm',
      ]);
      expect(await load('a')).to.equal('1 one');
      await documents.commit({ changes: [], inbox: { consumer: 'd', messageId: 'm' } });
      // Borders between names are no part of them.
      expect(await documents.inboxHas('c:m', '')).to.equal(false);
      expect(await documents.inboxHas('', 'c:m')).to.equal(false);
    });

    it('keep the first answer of a command, and know a key that comes with another request', async () => {
      const command = { ...testCommand('k'), response: bytesOf('answer'), reference: 'ref' };
      await documents.commit({ changes: [put('a', 0, 'one')], command });
      const again = other.commit({
        changes: [put('a', 1, 'two')],
        command: { ...command, response: bytesOf('other') },
      });
      expect(await conflictOf(again)).to.deep.equal(['command', 'k']);
      const found = await other.findCommand(testCommand('k'));
      expect(Buffer.from(found?.response ?? []).toString()).to.equal('answer');
      expect(found?.reference).to.equal('ref');
      expect(await documents.findCommand(testCommand('k', bytesOf(''), 'user:other'))).to.equal(undefined);
      const reused = await documents
        .findCommand(testCommand('k', bytesOf('other')))
        .catch((thrown: unknown) => thrown);
      expect(MeshError.is(reused) && reused.reason).to.equal('IDEMPOTENCY_KEY_REUSED');
      await documents.commit({ changes: [], command: { ...testCommand('open'), response: null } });
      expect(await documents.findCommand(testCommand('open'))).to.deep.equal({
        ...testCommand('open'),
        response: null,
      });
    });

    it('tell an empty answer from none', async () => {
      await documents.commit({ changes: [], command: { ...testCommand('k'), response: new Uint8Array() } });
      const found = await documents.findCommand(testCommand('k'));
      expect(found?.response).to.be.instanceOf(Uint8Array);
      expect(found?.response).to.have.length(0);
    });

    it('are gone when they have expired, unless they were changed meanwhile', async () => {
      const brief = (key: string, expected: number) => ({
        ...put(key, expected, 'x'),
        expiresAfterMs: 2_100,
      });
      await documents.commit({ changes: [brief('left', 0), brief('touched', 0), brief('kept', 0)] });
      await setup.pass(1_400);
      await documents.commit({ changes: [brief('touched', 1), put('kept', 1, 'x')] });
      await setup.pass(1_400);
      expect([await load('left'), await load('touched'), await load('kept')]).to.deep.equal([
        undefined,
        '2 x',
        '2 x',
      ]);
      expect(await conflictOf(documents.commit({ changes: [put('left', 1, 'y')] }))).to.deep.equal([
        'version',
        'left',
      ]);
      await documents.commit({ changes: [put('left', 0, 'y')] });
      expect(await load('left')).to.equal('1 y');
      await setup.pass(1_400);
      expect([await load('left'), await load('touched'), await load('kept')]).to.deep.equal([
        '1 y',
        undefined,
        '2 x',
      ]);
    });

    it('lose nothing to writers at the same time, on all instances', async () => {
      const perInstance = 40;
      const write = async (instance: Documents, text: string) => {
        for (;;) {
          const before = await instance.load('a');
          const data = bytesOf(`${Buffer.from(before?.data ?? []).toString()} ${text}`);
          const conflict = await instance
            .commit({ changes: [{ key: 'a', expectedVersion: before?.version ?? 0, data }] })
            .then(
              () => undefined,
              (error: unknown) => error,
            );
          if (conflict === undefined) return;
          expect(String(conflict)).to.include('version conflict on a');
        }
      };
      const texts = setup.instances.flatMap((_, instance) =>
        Array.from({ length: perInstance }, (_each, number) => `${instance}.${number}`),
      );
      await Promise.all(
        texts.map((text) => write(setup.instances[Number(text.split('.')[0])] ?? documents, text)),
      );
      const [version, ...written] = (await load('a'))?.split(/ +/) ?? [];
      expect(Number(version)).to.equal(texts.length);
      expect(written).to.have.members(texts);
    });

    it('are probed', () => documents.probe());
  });
}
