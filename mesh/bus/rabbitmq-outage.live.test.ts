import { rabbitmq } from '../shape/servers/rabbitmq.js';
import { startLiveServer } from '../testing/live-server.js';
import { busOutages } from './outage-suite.js';

busOutages('rabbitmq', {
  startServer: () => startLiveServer(rabbitmq),
  takeoverWithinMs: 6_000,
  refusedWithinMs: 2_000,
});
