import type { Mutant } from './mutant.js';

const delivery = 'mesh/bus/keyed-delivery.js';

/** Bugs in how events get from one service to the others. */
export const deliveryMutants: readonly Mutant[] = [
  {
    name: 'acknowledges a message before its effect is committed',
    edits: [
      {
        file: delivery,
        find: 'await subscription.handle({ ...message, attempt: number });',
        replace:
          'options.acknowledge(position);\n            await subscription.handle({ ...message, attempt: number });',
      },
    ],
    killedBy: 'I7',
    withinSeeds: 10,
  },
  {
    name: 'lost inbox row: a message that comes twice has its effect twice',
    edits: [
      {
        file: 'mesh/store/sqlite-batch.js',
        find: 'if (batch.inbox !== undefined)',
        replace: 'if (false)',
      },
    ],
    killedBy: 'I7',
    withinSeeds: 10,
  },
  {
    name: 'dual write: the effect first, the inbox row in a second transaction',
    edits: [
      {
        file: 'mesh/bus/consumer.js',
        find: 'await store.commit({ ...batch, inbox: { consumer, messageId: delivery.id } });',
        replace:
          'await store.commit(batch);\n        await store.commit({ ...("changes" in batch ? { changes: [] } : {}), inbox: { consumer, messageId: delivery.id } });',
      },
    ],
    killedBy: 'I7',
    withinSeeds: 10,
  },
  {
    name: 'outbox outside the transaction',
    edits: [
      {
        file: 'mesh/sim/disk.js',
        find: 'await store.commit(batch);',
        replace: `await store.commit({ ...batch, outbox: [] });
                await life.step(random.between(0.02, 0.3));
                if ((batch.outbox?.length ?? 0) > 0) await store.commit({ outbox: batch.outbox });`,
      },
    ],
    killedBy: 'I7',
    withinSeeds: 10,
  },
  {
    name: 'marks messages as published before the bus has them',
    edits: [
      {
        file: 'mesh/bus/outbox-relay.js',
        find: `await bus.publish(pending.map((message) => toBus(topic, message)));
                    await store.markPublished(pending.map((message) => message.sequence));`,
        replace: `await store.markPublished(pending.map((message) => message.sequence));
                    await bus.publish(pending.map((message) => toBus(topic, message)));`,
      },
    ],
    killedBy: 'I7',
    withinSeeds: 10,
  },
  {
    name: 'dead letter dropped',
    edits: [
      {
        file: delivery,
        find: 'await options.bury(placed, { attempts: number, lastError, failedAtMs: ambient.clock.nowMs() });',
        replace: 'void lastError;\n                options.acknowledge(position);',
      },
    ],
    killedBy: 'I7',
    withinSeeds: 10,
  },
  {
    name: 'gives a message up at its first failure',
    edits: [
      {
        file: 'mesh/bus/redelivery.js',
        find: 'if (!isTransient && tried.faults >= policy.maxAttempts)',
        replace: 'if (tried.attempts >= 1)',
      },
    ],
    killedBy: 'I7',
    withinSeeds: 40,
  },
];
