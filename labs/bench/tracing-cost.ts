import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newPurchaser, startMeasured } from './measure.js';
import type { Figure } from './report.js';
import { spreadOf } from './statistics.js';

/** Ways to trace, the cheapest first; see TRACES_EXPORTER. */
const modes = ['off', 'none', 'otlp'] as const;

const about: Record<(typeof modes)[number], string> = {
  off: 'no spans at all',
  none: 'spans in memory',
  otlp: 'spans in memory and sent by OTLP',
};

/**
 * What tracing costs a purchase: the same purchases with no spans, with spans in memory, and with spans sent out, in
 * turn, so that what the machine does meanwhile falls on all three alike.
 */
export async function tracingCost(rounds: number, purchases: number): Promise<Figure[]> {
  const sink = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
  const medians = new Map<string, number[]>(modes.map((mode) => [mode, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const mode of modes) {
      const { shop, end } = await startMeasured({
        TRACES_EXPORTER: mode,
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      });
      const buyer = await newPurchaser(shop.httpUrl);
      for (let n = 0; n < purchases / 2; n += 1) await buyer.buy();
      const latenciesMs: number[] = [];
      for (let n = 0; n < purchases; n += 1) latenciesMs.push(await buyer.buy());
      medians.get(mode)?.push(spreadOf(latenciesMs).median);
      await end();
    }
  }
  sink.close();
  const off = spreadOf(medians.get('off') ?? []).median;
  return modes.flatMap((mode) => {
    const spread = spreadOf(medians.get(mode) ?? []);
    const ratio = mode === 'off' ? '' : `, ${(spread.median / off).toFixed(2)} times without`;
    return [{ what: `PlaceOrder with ${about[mode]}${ratio} (medians of rounds)`, unit: 'ms', spread }];
  });
}
