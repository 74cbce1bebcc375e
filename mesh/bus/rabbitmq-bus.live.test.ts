import { machineAmbient } from '../runtime/ambient.js';
import { rabbitmq } from '../shape/servers/rabbitmq.js';
import { collectingLog } from '../testing/collecting-log.js';
import { type LiveServer, startLiveServer } from '../testing/live-server.js';
import type { Bus, RedeliveryPolicy } from './bus.js';
import { busContract } from './contract-suite.js';
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
});
