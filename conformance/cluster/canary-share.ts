import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { expectStatus, request } from '../buyer.js';
import { accessLog } from './access-log.js';
import { findEdge } from './edge.js';
import { isReady, podsOf } from './pods.js';

/**
 * Looks at a product so often, and counts how many of these looks the canary of catalog answered, by the logs of its sidecars.
 * The canary must be there already.
 */
export async function canaryShare(count: number): Promise<number> {
  const { httpUrl } = await findEdge();
  const look = () => expectStatus(request(httpUrl, 'GET', '/v1/products/prd_linen-lamp'), 200);
  // Sidecars write their lines once a second.
  let before = await asked();
  await eventually(
    async () => {
      const last = before;
      before = await asked();
      return before.stable === last.stable && before.canary === last.canary;
    },
    { withinMs: 30_000, everyMs: 2_500, what: 'access logs to be written' },
  );
  let next = 0;
  const customer = async () => {
    while (next < count) {
      next += 1;
      await look();
    }
  };
  await Promise.all(Array.from({ length: 6 }, customer));
  return eventually(
    async () => {
      const now = await asked();
      expect(now.stable - before.stable + now.canary - before.canary).to.equal(count);
      return now.canary - before.canary;
    },
    { withinMs: 30_000, everyMs: 500, what: 'every call to be in an access log' },
  );
}

const asked = async () => ({ stable: await askedOf('stable'), canary: await askedOf('canary') });

/** How often the pods of a track were asked for a product. */
async function askedOf(track: string): Promise<number> {
  const pods = (await podsOf(`app=catalog,track=${track}`)).filter(isReady);
  const logs = await Promise.all(pods.map(({ metadata }) => accessLog(metadata.name)));
  return logs
    .flat()
    .filter(
      ({ path, cluster }) => path.endsWith('CatalogService/GetProduct') && cluster.startsWith('inbound|'),
    ).length;
}
