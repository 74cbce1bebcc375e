import { expect } from 'chai';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { get, podsOf, untilSettled } from './pods.js';
import { kubectl } from './program.js';

const services = loadShop().manifests.map(({ name }) => name);
const servers = ['consul', 'redis', 'jaeger'];
const beside = ['postgres', 'prometheus', 'card-processor', 'mail-sink'];
const mib = 2 ** 20;

/** Memory of a container, in MiB. */
interface Footprint {
  readonly app: string;
  readonly container: string;
  readonly requestMiB: number;
  readonly usedMiB: number;
}

interface NodeSummary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly {
      readonly name: string;
      readonly memory?: { readonly workingSetBytes?: number };
    }[];
  }[];
}

async function footprints(): Promise<Footprint[]> {
  const { items } = await get<{ items: { metadata: { name: string } }[] }>('nodes');
  const summaries = await Promise.all(
    items.map(
      async ({ metadata }) =>
        JSON.parse(
          await kubectl(['get', '--raw', `/api/v1/nodes/${metadata.name}/proxy/stats/summary`]),
        ) as NodeSummary,
    ),
  );
  const used = new Map(
    summaries.flatMap(({ pods }) =>
      pods.flatMap(({ podRef, containers = [] }) =>
        containers.map(
          ({ name, memory }) => [`${podRef.name} ${name}`, (memory?.workingSetBytes ?? 0) / mib] as const,
        ),
      ),
    ),
  );
  const pods = [
    ...(await podsOf('app.kubernetes.io/part-of=meshmart')),
    ...(await podsOf('app=jaeger', 'observability')),
  ];
  return pods.flatMap(({ metadata, spec }) =>
    [...spec.containers, ...(spec.initContainers ?? [])]
      .filter(({ name }) => used.has(`${metadata.name} ${name}`))
      .map(({ name, resources }) => ({
        app: metadata.labels['app'] ?? '',
        container: name,
        requestMiB: mebibytes(resources?.requests?.memory),
        usedMiB: Math.round(used.get(`${metadata.name} ${name}`) ?? 0),
      })),
  );
}

/** @throws Error for a unit that nobody uses here. */
function mebibytes(text = '0Mi'): number {
  const count = /^(\d+)Mi$/.exec(text)?.[1];
  if (count === undefined) throw new Error(`memory of ${text}: give it in Mi`);
  return Number(count);
}

describe('the footprint of the shop on the cluster', function () {
  this.timeout(180_000);

  it('asks for at most 900 MiB for the ten services, 1,280 MiB with Consul, Redis and Jaeger', async () => {
    await untilSettled();
    const all = await footprints();
    const own = (apps: readonly string[]) =>
      all.filter(({ app, container }) => apps.includes(app) && app === container);
    const asked = (apps: readonly string[]) => own(apps).reduce((sum, { requestMiB }) => sum + requestMiB, 0);
    const used = (some: readonly Footprint[]) => some.reduce((sum, { usedMiB }) => sum + usedMiB, 0);
    for (const { app, requestMiB, usedMiB } of own([...services, ...servers, ...beside]))
      console.log(
        `      ${app.padEnd(16)} asks for ${String(requestMiB).padStart(4)} MiB, uses ${String(usedMiB).padStart(4)} MiB`,
      );
    const sidecars = all.filter(({ container }) => container === 'istio-proxy');
    console.log(
      `      ${`${sidecars.length} sidecars`.padEnd(16)} ask for ${sidecars.reduce((sum, { requestMiB }) => sum + requestMiB, 0)} MiB, use ${used(sidecars)} MiB`,
    );
    console.log(`      ten services ask for ${asked(services)} MiB and use ${used(own(services))} MiB`);
    console.log(
      `      with Consul, Redis and Jaeger they ask for ${asked([...services, ...servers])} MiB and use ${used(own([...services, ...servers]))} MiB`,
    );
    expect(
      own(services)
        .map(({ app }) => app)
        .sort(),
    ).to.deep.equal([...services].sort());
    expect(own(servers)).to.have.length(servers.length);
    expect(own([...services, ...servers]).filter(({ usedMiB }) => usedMiB === 0)).to.deep.equal([]);
    expect(asked(services)).to.be.within(1, 900);
    expect(asked([...services, ...servers])).to.be.within(1, 1_280);
  });
});
