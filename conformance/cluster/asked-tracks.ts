import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { expectStatus, request } from '../buyer.js';
import { accessLog } from './access-log.js';
import { findEdge } from './edge.js';
import { isReady, podsOf } from './pods.js';

/** How customers look at a product. */
export interface Looking {
  readonly count: number;
  /** Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** To how many pods each look comes: 2 where it is copied. Default 1. */
  readonly comesTo?: number;
}

/** How many of the looks came to a pod of each track of catalog. */
export interface AskedTracks {
  readonly stable: number;
  readonly canary: number;
}

/** Looks at a product through the edge, and counts by the logs of sidecars who was asked. The canary must be there already. */
export async function askedTracks({ count, headers, comesTo = 1 }: Looking): Promise<AskedTracks> {
  const { httpUrl } = await findEdge();
  const look = () =>
    expectStatus(request(httpUrl, 'GET', '/v1/products/prd_linen-lamp', undefined, headers), 200);
  // Sidecars write their lines once a second.
  let before = await asked();
  await eventually(
    async () => {
      const last = before;
      before = await asked();
      return before.stable === last.stable && before.canary === last.canary;
    },
    { withinMs: 30_000, everyMs: 1_500, what: 'access logs to be written' },
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
      const since = { stable: now.stable - before.stable, canary: now.canary - before.canary };
      expect(since.stable + since.canary).to.equal(count * comesTo);
      return since;
    },
    { withinMs: 10_000, everyMs: 500, what: 'every call to be in an access log' },
  );
}

async function asked(): Promise<AskedTracks> {
  const [stable, canary] = await Promise.all([askedOf('stable'), askedOf('canary')]);
  return { stable, canary };
}

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
