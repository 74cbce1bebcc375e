import { kafka } from '../shape/servers/kafka.js';
import { startLiveServer } from '../testing/live-server.js';
import { busOutages } from './outage-suite.js';

busOutages('kafka', {
  startServer: () => startLiveServer(kafka),
  // The killed process is missed after six seconds; then the partitions are dealt out anew.
  takeoverWithinMs: 20_000,
  refusedWithinMs: 6_000,
});
