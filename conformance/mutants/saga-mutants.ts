import type { Mutant } from './mutant.js';

const nextStep = 'services/order/next-step.js';
const participants = 'services/order/participants.js';

/** Bugs in how an order is taken to its end. */
export const sagaMutants: readonly Mutant[] = [
  {
    name: 'gives up on a timeout: unknown counts as refused',
    edits: [
      {
        file: 'services/order/decide.js',
        find: "|| error.code === 'INVALID_ARGUMENT';",
        replace:
          "|| error.code === 'INVALID_ARGUMENT' || error.code === 'DEADLINE_EXCEEDED' || error.code === 'UNAVAILABLE';",
      },
    ],
    killedBy: 'I3',
    withinSeeds: 10,
  },
  {
    name: 'compensates after the pivot',
    edits: [
      {
        file: 'services/order/decide.js',
        find: 'if (saga.confirmed || saga.final ||',
        replace: 'if (saga.final ||',
      },
      {
        file: nextStep,
        find: 'if (saga.confirmed)',
        replace: 'if (saga.confirmed && !saga.cancelRequested)',
      },
    ],
    killedBy: 'I1',
    withinSeeds: 20,
  },
  {
    name: 'lost compensation: the money of a cancelled order is not let go',
    edits: [{ file: nextStep, find: "mayHoldMoney ? 'void' : 'release'", replace: "'release'" }],
    killedBy: 'I3',
    withinSeeds: 10,
  },
  {
    name: 'a declined card counts as charged',
    edits: [
      {
        file: participants,
        find: 'if (made?.state === PaymentState.PAYMENT_STATE_DECLINED) {',
        replace:
          'if (made?.state === PaymentState.PAYMENT_STATE_DECLINED) {\n                        return { step, paymentId: made.id };',
      },
    ],
    killedBy: 'I1',
    withinSeeds: 10,
  },
  {
    name: 'ships although the capture has failed',
    edits: [
      {
        file: participants,
        find: "captured: captured.status === 'fulfilled'",
        replace: 'captured: true',
      },
    ],
    killedBy: 'I3',
    withinSeeds: 20,
  },
  {
    name: 'an order that a crash has stopped is not taken up again',
    edits: [
      {
        file: 'services/order/service.js',
        find: 'saga.wake(id);\n            return rows.length;',
        replace: 'void id;\n            return rows.length;',
      },
    ],
    killedBy: 'I1',
    withinSeeds: 10,
  },
  {
    name: 'events are appended without a look at the version that was decided on',
    edits: [
      {
        file: 'mesh/store/sqlite-batch.js',
        find: "if (Number(row?.['version'] ?? 0) !== expectedVersion)",
        replace: 'if (false)',
      },
      {
        file: 'mesh/store/sqlite-batch.js',
        find: 'expectedVersion + index + 1',
        replace: "Number(row?.['version'] ?? 0) + index + 1",
      },
    ],
    killedBy: 'I6',
    withinSeeds: 10,
  },
  {
    name: 'dual write: the events first, the row that clients see in a second transaction',
    edits: [
      {
        file: 'services/order/saga.js',
        find: 'await store.commit({ ...batch, trace: span.context });',
        replace:
          'await store.commit({ ...batch, statements: [], trace: span.context });\n            await store.commit({ statements: batch.statements });',
      },
    ],
    killedBy: 'I6',
    withinSeeds: 20,
  },
  {
    name: 'a process shows an order from a memory of its own',
    edits: [
      {
        file: 'services/order/handlers.js',
        find: 'getOrder: async (request, context) => ({\n            order: await loadOwnOrder(store, request.id, userOf(context).id, context.trace),\n        }),',
        replace: `getOrder: async (request, context) => {
            const seen = (store.seen ??= new Map());
            const known = seen.get(request.id);
            if (known !== undefined && known.atMs + 3_000 > clock.monotonicMs()) return { order: known.order };
            const order = await loadOwnOrder(store, request.id, userOf(context).id, context.trace);
            seen.set(request.id, { order, atMs: clock.monotonicMs() });
            return { order };
        },`,
      },
    ],
    killedBy: 'I9',
    withinSeeds: 20,
  },
];
