import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { freePort } from '../mesh/testing/free-port.js';
import { seededRandom } from '../mesh/testing/seeded-random.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type Buyer, newBuyer, request } from './buyer.js';
import { type Acknowledged, buyCarefully, untilAllFinal } from './careful-buyer.js';
import { expectAgreement } from './ledger-agreement.js';
import { type ShopProcess, startShop } from './shop-process.js';
import { startWitnesses, type Witnesses } from './witnesses.js';

const purchases = 500;
const kills = 50;
const buyersAtOnce = 5;
const seed = Number(process.env['KILL_SEED'] ?? 20261123);

describe(`kill -9 of the shop at ${kills} random moments during ${purchases} purchases (seed ${seed})`, function () {
  this.timeout(15 * 60_000);
  let folder: TemporaryFolder;
  let witnesses: Witnesses;
  let shop: ShopProcess;
  let ports: { http: number; grpc: number; admin: number };
  const acknowledged: Acknowledged[] = [];
  let killed = 0;

  const start = () =>
    startShop({
      dataFolder: folder.path,
      ports,
      environment: { CARD_PROCESSOR_URL: witnesses.cardProcessorUrl, SMTP_URL: witnesses.smtpUrl },
    });

  before(async () => {
    folder = temporaryFolder();
    ports = { http: await freePort(), grpc: await freePort(), admin: await freePort() };
    witnesses = await startWitnesses(folder.path);
    shop = await start();
  });
  after(async () => {
    await shop?.stop();
    await witnesses?.stop();
    folder?.remove();
  });

  it('loses no acknowledged order', async () => {
    const random = seededRandom(seed);
    const buyers: Buyer[] = [];
    for (let n = 0; n < buyersAtOnce; n += 1) buyers.push(await newBuyer(shop.httpUrl));
    const products: { id: string }[] = (await request(shop.httpUrl, 'GET', '/v1/products?pageSize=50')).body
      .products;

    let bought = 0;
    const buyAll = buyers.map(async (buyer) => {
      while (bought < purchases) {
        const number = bought;
        bought += 1;
        const product = products[Math.floor(random.next() * products.length)] as { id: string };
        acknowledged.push(await buyCarefully(buyer, product.id, `purchase-${number}`));
      }
    });
    const killAll = (async () => {
      // A kill comes after a random number of further purchases, then at a random moment within the next.
      for (killed = 0; killed < kills; killed += 1) {
        const due = (killed * purchases) / kills;
        await eventually(
          async () => expect(acknowledged.length).to.be.at.least(Math.min(due, purchases - 10)),
          {
            withinMs: 120_000,
            everyMs: 5,
          },
        );
        await new Promise((resolve) => setTimeout(resolve, random.next() * 100));
        await shop.kill();
        shop = await start();
      }
    })();
    await Promise.all([...buyAll, killAll]);
    expect(acknowledged).to.have.length(purchases);
    expect(killed).to.equal(kills);

    await untilAllFinal(acknowledged, 60_000);
  });

  it("leaves the card processor's ledger in agreement with the orders, to the cent", async () => {
    await expectAgreement(await witnesses.ledger(), acknowledged);
  });
});
