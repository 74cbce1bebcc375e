import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { machineAmbient } from '../runtime/ambient.js';
import { StartupError } from '../runtime/startup-error.js';
import { rabbitmq } from '../shape/servers/rabbitmq.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { type LiveServer, startLiveServer } from '../testing/live-server.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import type { Bus, RedeliveryPolicy } from './bus.js';
import { busContract, busMessage } from './contract-suite.js';
import { openRabbitmqBus } from './rabbitmq-bus.js';

let opened = 0;

describe('the bus on RabbitMQ', function () {
  this.timeout(60_000);
  let server: LiveServer;
  before(async function () {
    this.timeout(120_000);
    server = await startLiveServer(rabbitmq);
  });
  after(() => server?.end());

  const openBus = (prefix: string, redelivery?: RedeliveryPolicy): Bus =>
    openRabbitmqBus({
      url: server.url,
      name: 'test',
      prefix,
      // Nobody kills this server.
      settleMs: 0,
      groupsOf: () => ['mail'],
      ambient: machineAmbient(),
      log: collectingLog(),
      ...(redelivery === undefined ? {} : { redelivery }),
    });

  busContract('RabbitMQ', true, () => {
    opened += 1;
    const prefix = `test-${opened}`;
    const buses: Bus[] = [];
    return {
      open: async (redelivery) => {
        const bus = openBus(prefix, redelivery);
        buses.push(bus);
        return bus;
      },
      close: async () => {
        for (const bus of buses) await bus.close();
      },
    };
  });

  const listen = async (bus: Bus, group = 'mail') => {
    const ids: string[] = [];
    await bus.subscribe({
      group,
      topics: { order: ['test.Placed'] },
      handle: async ({ id }) => {
        ids.push(id);
      },
    });
    return ids;
  };

  it('passes over a message that is no event', async () => {
    const bus = openBus('garbage');
    const ids = await listen(bus);
    await bus.publish([busMessage('g1')]);
    await eventually(() => ids.includes('g1'), { withinMs: 10_000 });
    const other = await connect(server.url);
    const channel = await other.createConfirmChannel();
    for (const headers of [
      {},
      { id: 'x', topic: 'order', type: 'test.Placed', at: 'never' },
      { id: { not: 'text' } },
    ])
      channel.publish('garbage.topic.order', '', Buffer.alloc(100_000, 0xff), { headers });
    await channel.waitForConfirms();
    await other.close();
    await bus.publish([busMessage('g2')]);
    await eventually(() => ids.includes('g2'), { withinMs: 10_000 });
    await eventually(async () => (await bus.lag('mail')) === 0, { withinMs: 10_000 });
    expect(ids).to.deep.equal(['g1', 'g2']);
    await bus.close();
  });

  it('shows dead letters to two who look all the time, and replays one meanwhile', async () => {
    const redelivery = { maxAttempts: 1, retryBaseDelayMs: 1, retryMaxDelayMs: 1 };
    const [one, other] = [openBus('sight', redelivery), openBus('sight', redelivery)];
    let broken = true;
    let replayed = 0;
    await one.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'] },
      handle: async () => {
        if (broken) throw new Error('no');
        replayed += 1;
      },
    });
    await one.publish(Array.from({ length: 5 }, (_, number) => busMessage(`d${number}`)));
    await eventually(async () => (await one.deadLetters('mail', 10)).length === 5, { withinMs: 10_000 });
    broken = false;
    const looks = async (bus: Bus) => {
      const seen: number[] = [];
      for (let look = 0; look < 10; look += 1) seen.push((await bus.deadLetters('mail', 10)).length);
      return seen;
    };
    const [seenByOne, seenByOther] = await Promise.all([
      looks(one),
      looks(other),
      other.replay('mail', 'd3'),
    ]);
    for (const count of [...seenByOne, ...seenByOther]) expect(count).to.be.within(4, 5);
    await eventually(() => replayed === 1, { withinMs: 10_000 });
    await one.close();
    await other.close();
  });

  it('wants the right password, from its file', async () => {
    const folder = temporaryFolder();
    const passwordFile = join(folder.path, 'password');
    const open = () =>
      openRabbitmqBus({
        url: server.url,
        passwordFile,
        name: 'test',
        groupsOf: () => [],
        ambient: machineAmbient(),
        log: collectingLog(),
      });
    expect(open).to.throw(StartupError, /^RABBITMQ_PASSWORD_FILE names .*, which can't be read/);
    for (const [password, code] of [
      ['guest\n', undefined],
      ['wrong', 'UNAVAILABLE'],
    ] as const) {
      writeFileSync(passwordFile, password);
      const bus = open();
      const failure = await bus.probe().catch((error: unknown) => error);
      expect(MeshError.is(failure) ? failure.code : undefined).to.equal(code);
      await bus.close();
    }
    folder.remove();
  });
});
