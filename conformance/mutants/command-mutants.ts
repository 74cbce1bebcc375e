import type { Mutant } from './mutant.js';

const placeOrder = 'services/order/place-order.js';

/** Bugs in how a command is done once. */
export const commandMutants: readonly Mutant[] = [
  {
    name: 'no idempotency key: each attempt counts as a new command',
    edits: [
      {
        file: 'mesh/rpc/interceptors/deduplicate.js',
        find: '            key,\n            requestHash',
        replace: '            key: `${key}/${context.trace.spanId}`,\n            requestHash',
      },
    ],
    killedBy: 'I1',
    withinSeeds: 10,
  },
  {
    name: 'keys are not scoped to their user',
    edits: [
      {
        file: 'mesh/rpc/interceptors/deduplicate.js',
        find: 'scope: `${owner} ${method.path}`',
        replace: 'scope: method.path',
      },
    ],
    killedBy: 'I7',
    withinSeeds: 10,
  },
  {
    name: 'a repetition gets the current state instead of the stored answer',
    edits: [
      {
        file: placeOrder,
        find: 'if (recorded?.response != null)\n                    return PlaceOrderResponse.decode(recorded.response);',
        replace:
          'if (recorded?.response != null)\n                    return { order: await loadOwnOrder(store, orderId, userOf(context).id, context.trace) };',
      },
    ],
    killedBy: 'I8',
    withinSeeds: 10,
  },
  {
    name: 'the first answer is overwritten',
    edits: [
      {
        file: 'mesh/store/sqlite-batch.js',
        find: ' WHERE scope = ? AND key = ? AND response IS NULL',
        replace: ' WHERE scope = ? AND key = ?',
      },
    ],
    killedBy: 'I8',
    withinSeeds: 10,
  },
  {
    name: 'dual write: the order first, its key in a second transaction',
    edits: [
      {
        file: placeOrder,
        find: '...batch,\n                command: { ...requireCommand(), response: null, reference: after.order.id },\n                trace: context.trace,\n            });',
        replace:
          '...batch, trace: context.trace });\n            await store.commit({ command: { ...requireCommand(), response: null, reference: after.order.id } });',
      },
    ],
    killedBy: 'I1',
    withinSeeds: 10,
  },
  {
    name: 'non-atomic cart: the pieces first, the answer of the command in a second transaction',
    edits: [
      {
        file: 'mesh/store/idempotent.js',
        find: 'await store.commit({ ...batch, command: { ...command, response: codec.encode(response).finish() } });',
        replace:
          'await store.commit(batch);\n        await store.commit({ ...("changes" in batch ? { changes: [] } : {}), command: { ...command, response: codec.encode(response).finish() } });',
      },
    ],
    killedBy: 'I7',
    withinSeeds: 10,
  },
  {
    name: 'an order is shown to whoever has its id',
    edits: [
      {
        file: 'services/order/order-store.js',
        find: "'SELECT snapshot FROM orders WHERE id = ? AND user_id = ?', values: [orderId, userId]",
        replace: "'SELECT snapshot FROM orders WHERE id = ?', values: [orderId]",
      },
    ],
    killedBy: 'I12',
    withinSeeds: 1,
  },
];
