import { expect } from 'chai';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { RecommendationServiceDefinition } from '../../proto/gen/meshmart/recommendation/v1/recommendation.js';
import { service } from '../../services/recommendation/service.js';
import { MeshError } from '../contract/error.js';
import { neighbour, startLoneService } from './lone-service.js';
import { testContext, testUser } from './test-context.js';

describe('a lone service', () => {
  const start = () =>
    startLoneService({
      name: 'recommendation',
      service,
      neighbours: [
        neighbour(CatalogServiceDefinition, {
          getProduct: async ({ id }) => {
            throw new MeshError({ code: 'NOT_FOUND', reason: 'PRODUCT_NOT_FOUND', message: `no ${id}` });
          },
        }),
      ],
    });

  it('answers through its real rules, and hears what its neighbours say', async () => {
    const alone = await start();
    const client = alone.client(RecommendationServiceDefinition);
    const reasonOf = (productId: string, context = testContext()) =>
      client.listRecommendations({ productId }, context).then(
        () => 'none',
        (error: unknown) => MeshError.from(error).reason,
      );
    expect(await reasonOf('')).to.equal('VALIDATION_FAILED');
    expect(await reasonOf('prd_1')).to.equal('PRODUCT_NOT_FOUND');
    expect(await reasonOf('prd_1', testContext({ userToken: 'forged' }))).to.equal('TOKEN_INVALID');
    expect(await reasonOf('prd_1', testContext({ userToken: alone.tokenOf(testUser()) }))).to.equal(
      'PRODUCT_NOT_FOUND',
    );
    await alone.stop();
  });

  it('is closed again when it does not start', async () => {
    const broken = {
      ...service,
      build: () => {
        throw new Error('broken');
      },
    };
    const error = await startLoneService({ name: 'recommendation', service: broken }).then(
      () => undefined,
      (refused: Error) => refused,
    );
    expect(error?.message).to.equal('broken');
  });
});
