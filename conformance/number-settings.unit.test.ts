import { expect } from 'chai';
import { environmentName } from '../mesh/runtime/manifest.js';
import type { Service } from '../mesh/runtime/service.js';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { startLoneService } from '../mesh/testing/lone-service.js';

/** Every setting of a service whose default is a number, but those of the edge, which can't be started alone. */
const { manifests } = loadShop();
const numbers = manifests
  .filter((manifest) => manifest.implements.length > 0)
  .flatMap((manifest) =>
    Object.entries(manifest.settings)
      .filter(([, declared]) => declared.default !== '' && !Number.isNaN(Number(declared.default)))
      .map(([name, declared]) => ({ manifest, variable: environmentName(manifest.name, name, declared) })),
  );

describe('settings that are numbers', () => {
  it('are those of all services', () => {
    expect(numbers.map(({ variable }) => variable)).to.include.members([
      'CART_GUEST_CART_DAYS',
      'ORDER_ANSWER_WITHIN_MS',
      'ORDER_ORDERS_AT_ONCE',
      'PAYMENT_PROCESSOR_TIMEOUT_MS',
      'SHIPPING_CARRIER_STEP_SECONDS',
    ]);
  });

  for (const { manifest, variable } of numbers) {
    for (const text of ['soon', '-1', 'Infinity']) {
      it(`end the start of ${manifest.name} with one clear line when ${variable} is '${text}'`, async () => {
        const { service } = (await import(`../services/${manifest.name}/service.js`)) as { service: Service };
        const failure = await startLoneService({
          name: manifest.name,
          service,
          environment: { [variable]: text },
        }).then(
          async (started) => {
            await started.stop();
            return 'it started';
          },
          (error: unknown) => error,
        );
        // Modules that are found by name are loaded apart from those of the test: their classes are others.
        expect(failure).to.have.property('name', 'StartupError');
        expect((failure as Error).message).to.match(
          new RegExp(`^${variable} is '${text}': give a (whole )?number from [\\d.]+ to \\d+$`),
        );
      });
    }
  }
});
