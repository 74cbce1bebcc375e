import { expect } from 'chai';
import fc from 'fast-check';
import { testCommand } from '../testing/test-context.js';
import { bytesOf, type StoreSetup, suiteSchema } from './contract-suite.js';
import { type Batch, type ConflictKind, StoreConflict } from './store.js';

/** A batch in a few words, from which both the model and the store are fed. */
interface Step {
  readonly streams: readonly { readonly stream: string; readonly lag: number; readonly count: number }[];
  readonly add: { readonly id: string; readonly quantity: number } | undefined;
  readonly inbox: string | undefined;
  readonly command: string | undefined;
  readonly outbox: number;
}

/** What a store holds, as plain values. */
interface Model {
  readonly versions: Record<string, number>;
  readonly shelf: Record<string, number>;
  readonly inbox: readonly string[];
  readonly commands: readonly string[];
  readonly outbox: number;
}

const empty: Model = { versions: {}, shelf: {}, inbox: [], commands: [], outbox: 0 };

const name = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<Step> = fc.record({
  streams: fc.uniqueArray(
    fc.record({ stream: name, lag: fc.constantFrom(0, 0, 0, 1), count: fc.integer({ min: 1, max: 3 }) }),
    { maxLength: 2, selector: ({ stream }) => stream },
  ),
  add: fc.option(fc.record({ id: name, quantity: fc.integer({ min: -5, max: 5 }) }), { nil: undefined }),
  inbox: fc.option(fc.constantFrom('m1', 'm2', 'm3', 'm4', 'm5'), { nil: undefined }),
  command: fc.option(fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5'), { nil: undefined }),
  outbox: fc.integer({ min: 0, max: 3 }),
});

/** The model after a step, or the kinds of conflict that the step may end with. */
function evolve(model: Model, next: Step): Model | readonly ConflictKind[] {
  const conflicts: ConflictKind[] = [];
  if (next.streams.some(({ lag }) => lag > 0)) conflicts.push('version');
  if (next.inbox !== undefined && model.inbox.includes(next.inbox)) conflicts.push('inbox');
  if (next.command !== undefined && model.commands.includes(next.command)) conflicts.push('command');
  const quantity = (model.shelf[next.add?.id ?? ''] ?? 0) + (next.add?.quantity ?? 0);
  if (quantity < 0) conflicts.push('guard');
  if (conflicts.length > 0) return conflicts;
  const versions = { ...model.versions };
  for (const { stream, count } of next.streams) versions[stream] = (versions[stream] ?? 0) + count;
  return {
    versions,
    shelf: next.add === undefined ? model.shelf : { ...model.shelf, [next.add.id]: quantity },
    inbox: next.inbox === undefined ? model.inbox : [...model.inbox, next.inbox],
    commands: next.command === undefined ? model.commands : [...model.commands, next.command],
    outbox: model.outbox + next.outbox,
  };
}

function batchOf(model: Model, next: Step): Batch {
  const { add } = next;
  return {
    streams: next.streams.map(({ stream, lag, count }) => ({
      stream,
      expectedVersion: (model.versions[stream] ?? 0) + lag,
      events: Array.from({ length: count }, () => ({ type: 'test.Noted', data: bytesOf(stream) })),
    })),
    statements:
      add === undefined
        ? []
        : [
            {
              sql: 'INSERT INTO shelf (id, quantity) VALUES (?, 0) ON CONFLICT DO NOTHING',
              values: [add.id],
            },
            {
              sql: 'UPDATE shelf SET quantity = quantity + ? WHERE id = ? AND quantity + ? >= 0',
              values: [add.quantity, add.id, add.quantity],
              changes: 1,
            },
          ],
    outbox: Array.from({ length: next.outbox }, () => ({
      type: 'test.Noted',
      key: 'k',
      data: bytesOf('noted'),
    })),
    ...(next.inbox === undefined ? {} : { inbox: { consumer: 'c', messageId: next.inbox } }),
    ...(next.command === undefined ? {} : { command: { ...testCommand(next.command), response: null } }),
  };
}

/** The store does what a few plain values do, whatever batches come; part of {@link storeContract}. */
export function storeModelContract(setupOf: () => StoreSetup): void {
  it('agrees with plain values after any batches', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
        run += 1;
        const store = await setupOf().open(`model-${run}`, suiteSchema);
        let model = empty;
        for (const next of steps) {
          const after = evolve(model, next);
          const outcome = await store.commit(batchOf(model, next)).then(
            () => undefined,
            (error: unknown) => {
              if (error instanceof StoreConflict) return error.kind;
              throw error;
            },
          );
          if (Array.isArray(after)) expect(after).to.include(outcome);
          else {
            expect(outcome).to.equal(undefined);
            model = after as Model;
          }
        }
        for (const [stream, version] of Object.entries(model.versions)) {
          const versions = (await store.readStream(stream)).map((event) => event.version);
          expect(versions).to.deep.equal(Array.from({ length: version }, (_, index) => index + 1));
        }
        const rows = await store.query({ sql: 'SELECT id, quantity FROM shelf ORDER BY id' });
        expect(Object.fromEntries(rows.map((row) => [row['id'], row['quantity']]))).to.deep.equal(
          model.shelf,
        );
        const pending = await store.unpublished(1_000);
        expect(pending.map((message) => message.sequence)).to.deep.equal(
          pending.map((message) => message.sequence).sort((one, other) => Number(one - other)),
        );
        expect(pending).to.have.length(model.outbox);
        for (const id of ['m1', 'm2', 'm3', 'm4', 'm5'])
          expect(await store.inboxHas('c', id)).to.equal(model.inbox.includes(id));
        for (const key of ['k1', 'k2', 'k3', 'k4', 'k5'])
          expect((await store.findCommand(testCommand(key))) !== undefined).to.equal(
            model.commands.includes(key),
          );
        await store.close();
      }),
      { numRuns: 60 },
    );
  });
}
