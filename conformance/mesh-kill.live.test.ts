import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { seededRandom } from '../mesh/testing/seeded-random.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type Buyer, newBuyer, request } from './buyer.js';
import { type Acknowledged, buyCarefully, untilAllFinal } from './careful-buyer.js';
import { expectAgreement } from './ledger-agreement.js';
import { type MeshProcess, startMesh } from './mesh-process.js';
import { startWitnesses, type Witnesses } from './witnesses.js';

const purchases = 200;
const buyersAtOnce = 5;
const seed = Number(process.env['KILL_SEED'] ?? 20261123);

describe(`kill -9 of each service in turn in the middle of ${purchases} purchases (seed ${seed})`, function () {
  this.timeout(5 * 60_000);
  let folder: TemporaryFolder;
  let witnesses: Witnesses;
  let mesh: MeshProcess;
  const acknowledged: Acknowledged[] = [];
  const killed: string[] = [];

  before(async () => {
    folder = temporaryFolder();
    witnesses = await startWitnesses(folder.path);
    mesh = await startMesh({
      environment: { CARD_PROCESSOR_URL: witnesses.cardProcessorUrl, SMTP_URL: witnesses.smtpUrl },
    });
  });
  after(async () => {
    await mesh?.end();
    await witnesses?.stop();
    folder?.remove();
  });

  it('brings every acknowledged order to its end', async () => {
    const random = seededRandom(seed);
    const buyers: Buyer[] = [];
    for (let n = 0; n < buyersAtOnce; n += 1) buyers.push(await newBuyer(mesh.httpUrl));
    const page = await request(mesh.httpUrl, 'GET', '/v1/products?pageSize=50');
    const products: { id: string }[] = page.body.products;
    const { services } = await mesh.untilAllServe();

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
      for (const [turn, { name, instance, pid }] of services.entries()) {
        // Each among further purchases, at a random moment within the next.
        const due = ((turn + 0.5) * purchases) / services.length;
        await eventually(async () => expect(acknowledged.length).to.be.at.least(Math.floor(due)), {
          withinMs: 120_000,
          everyMs: 5,
          what: `the purchases before the kill of ${name}`,
        });
        await new Promise((resolve) => setTimeout(resolve, random.next() * 100));
        process.kill(pid, 'SIGKILL');
        killed.push(name);
        await eventually(
          async () => {
            const now = await mesh.instances(name);
            expect(now.map((one) => one.instance)).to.not.include(instance);
            expect(now.every(({ serving }) => serving)).to.equal(true);
          },
          { withinMs: 30_000, everyMs: 50, what: `${name} to be back` },
        );
      }
    })();
    await Promise.all([...buyAll, killAll]);
    expect(acknowledged).to.have.length(purchases);
    expect(new Set(killed).size).to.equal(10);
    await untilAllFinal(acknowledged, 60_000);
  });

  it("leaves the card processor's ledger in agreement with the orders, to the cent", async () => {
    await expectAgreement(await witnesses.ledger(), acknowledged);
  });
});
