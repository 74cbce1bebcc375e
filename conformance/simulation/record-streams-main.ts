import { recordStreams } from './record-streams.js';

// `node dist/conformance/simulation/record-streams-main.js > services/order/released-streams/VERSION.json`, at each release.
process.stdout.write(`${JSON.stringify(await recordStreams(1), null, 1)}\n`);
