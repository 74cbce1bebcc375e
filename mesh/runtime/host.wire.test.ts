import { expect } from 'chai';
import { OrderServiceDefinition } from '../../proto/gen/meshmart/order/v1/order.js';
import { service } from '../../services/recommendation/service.js';
import { MeshError } from '../contract/error.js';
import { startLoneService } from '../testing/lone-service.js';
import type { Service, ServiceParts, ServicePorts } from './service.js';
import { StartupError } from './startup-error.js';

/** What the service says when its code is changed, and its manifest is not. */
async function refusalOf(change: (parts: ServiceParts, ports: ServicePorts) => ServiceParts): Promise<Error> {
  const changed: Service = {
    ...service,
    build: async (ports) => change(await service.build(ports), ports),
  };
  const started = await startLoneService({ name: 'recommendation', service: changed }).then(
    (alone) => alone.stop(),
    (error: Error) => error,
  );
  if (!(started instanceof Error)) throw new Error('it was hosted');
  return started;
}

describe('a service that is not what its manifest says', () => {
  const manifest = 'services/recommendation/service.yaml';
  const cases: readonly (readonly [
    what: string,
    change: (parts: ServiceParts, ports: ServicePorts) => ServiceParts,
    says: string,
  ])[] = [
    [
      'a contract that it does not implement',
      (parts) => ({ ...parts, contracts: [] }),
      `${manifest} lists meshmart.recommendation.v1.RecommendationService under implements`,
    ],
    [
      'an event that it does not handle',
      (parts) => ({ ...parts, events: {} }),
      `${manifest} lists meshmart.order.v1.OrderConfirmed under consumes`,
    ],
    [
      'an event that it handles and does not declare',
      (parts) => ({
        ...parts,
        events: { ...parts.events, 'meshmart.users.v1.UserRegistered': async () => ({}) },
      }),
      `services/recommendation handles meshmart.users.v1.UserRegistered, and ${manifest} does not list it`,
    ],
    [
      'a call that it does not declare',
      (parts, ports) => {
        ports.client(OrderServiceDefinition);
        return parts;
      },
      `${manifest} declares no call to meshmart.order.v1.OrderService: add`,
    ],
    [
      'a setting that it does not declare',
      (parts, ports) => {
        ports.setting('colour');
        return parts;
      },
      `${manifest} does not declare setting 'colour'`,
    ],
  ];
  for (const [what, change, says] of cases) {
    it(`does not start for ${what}, and says so in one line`, async () => {
      const refusal = await refusalOf(change);
      expect(refusal, refusal.stack).to.be.instanceOf(StartupError);
      expect(refusal.message).to.include(says).and.not.include('\n');
    });
  }
});

describe('a service whose database is away while it starts', () => {
  it('waits for it, and serves', async () => {
    let tries = 0;
    const planting: Service = {
      ...service,
      build: async (ports) => ({
        ...(await service.build(ports)),
        start: async () => {
          tries += 1;
          if (tries > 2) return;
          throw new MeshError({ code: 'UNAVAILABLE', reason: 'STORAGE_UNAVAILABLE', message: 'it is away' });
        },
      }),
    };
    const alone = await startLoneService({ name: 'recommendation', service: planting });
    await alone.stop();
    expect(tries).to.equal(3);
  });
});
