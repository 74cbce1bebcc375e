import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type ShopProcess, startShop } from './shop-process.js';

/** The description as a client gets it, held against the schema that the OpenAPI Initiative publishes. */
describe('/openapi.json', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let shop: ShopProcess;
  let description: Record<string, unknown>;

  before(async () => {
    folder = temporaryFolder();
    const ports = { http: await freePort(), grpc: await freePort(), admin: await freePort() };
    shop = await startShop({ dataFolder: folder.path, ports });
    const answer = await fetch(`${shop.httpUrl}/openapi.json`);
    description = (await answer.json()) as Record<string, unknown>;
  });
  after(async () => {
    await shop?.stop();
    folder?.remove();
  });

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(description);
    expect(errors).to.equal(undefined);
    expect(valid).to.equal(true);
    expect(validator.version).to.equal('3.1');
  });

  it('is refused by the same validator once it is spoilt', async () => {
    const spoilt = { ...description, paths: { 'no-slash': { get: { responses: 7 } } } };
    expect((await new Validator().validate(spoilt)).valid).to.equal(false);
  });
});
