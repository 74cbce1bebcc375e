import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { expectStatus, fillCart, newBuyer, request } from './buyer.js';
import { type Acknowledged, untilAllFinal } from './careful-buyer.js';
import { type MeshProcess, startMesh } from './mesh-process.js';
import { tourSettings, tourSuite } from './tour-suite.js';
import { startWitnesses, type Witnesses } from './witnesses.js';

const purchases = 30;

for (const bus of ['rabbitmq', 'kafka'] as const) {
  describe(`the shop on ${bus}`, function () {
    this.timeout(4 * 60_000);
    let folder: TemporaryFolder;
    let witnesses: Witnesses;
    let mesh: MeshProcess;
    before(async () => {
      folder = temporaryFolder();
      witnesses = await startWitnesses(folder.path);
      mesh = await startMesh({
        bus,
        environment: {
          ...tourSettings,
          CARD_PROCESSOR_URL: witnesses.cardProcessorUrl,
          SMTP_URL: witnesses.smtpUrl,
        },
      });
      await mesh.untilAllServe();
    });
    after(async () => {
      await mesh?.end();
      await witnesses?.stop();
      folder?.remove();
    });

    tourSuite(`processes, with ${bus}`, async () => {
      const { httpUrl, grpcAddress, adminUrl, dataFolder } = mesh;
      return { httpUrl, grpcAddress, adminUrl, dataFolder, stop: async () => undefined };
    });

    describe('after the tour', () => {
      it('is shown by meshmart status', async () => {
        const { servers, addresses } = await mesh.status();
        expect(servers.map(({ name }) => name)).to.include(bus);
        expect(addresses[bus]).to.include('127.0.0.1');
      });

      it(`delivers each event of ${purchases} purchases, none twice in effect, though ${bus} is killed amid them`, async () => {
        const page = await request(mesh.httpUrl, 'GET', '/v1/products?pageSize=50');
        // Two that the tour has not sold.
        const [one, other] = page.body.products.slice(-2).map(({ id }: { id: string }) => id);
        const acknowledged: Acknowledged[] = [];
        const killed = (await mesh.status()).servers.find(({ name }) => name === bus)?.pid ?? 0;
        for (let number = 0; number < purchases; number += 1) {
          const buyer = await newBuyer(mesh.httpUrl);
          if (number === purchases / 3) process.kill(killed, 'SIGKILL');
          await expectStatus(buyer.call('POST', '/v1/cart/items', { productId: one, quantity: 1 }), 200);
          const order = await fillCart(buyer, other);
          const key = `bus-${number}`;
          const answer = await buyer.call('POST', '/v1/orders', order, { 'idempotency-key': key });
          expect(answer.status, answer.text).to.be.oneOf([201, 202]);
          acknowledged.push({ buyer, id: answer.body.order.id });
        }
        await untilAllFinal(acknowledged, 60_000);
        const { servers } = await mesh.status();
        expect(servers.find(({ name }) => name === bus)?.pid)
          .to.be.greaterThan(0)
          .and.not.equal(killed);

        await eventually(
          async () => {
            for (const { id } of acknowledged) expect((await confirmations()).get(id), id).to.equal(1);
            expect(await boughtTogether(one, other)).to.equal(purchases);
            for (const { buyer } of acknowledged)
              expect((await buyer.call('GET', '/v1/cart')).body.cart.lines).to.deep.equal([]);
          },
          { withinMs: 90_000, everyMs: 500, what: 'the effects of every event' },
        );
        const ledger = await witnesses.ledger();
        for (const { id } of acknowledged) expect(ledger.captures(id), `captures of ${id}`).to.equal(1);
      });
    });

    /** How many different mails confirm each order. */
    const confirmations = async (): Promise<Map<string, number>> => {
      const answer = await fetch(`${witnesses.mailUrl}/v1/messages`);
      const { messages } = (await answer.json()) as {
        messages: { messageId: string; subject: string; text: string }[];
      };
      const ids = new Map<string, Set<string>>();
      for (const { messageId, subject, text } of messages) {
        const id = /ord_[0-9a-z]{26}/.exec(`${subject} ${text}`)?.[0] ?? '';
        if (/is confirmed$/.test(subject)) ids.set(id, (ids.get(id) ?? new Set()).add(messageId));
      }
      return new Map([...ids].map(([id, mails]) => [id, mails.size]));
    };
    const boughtTogether = async (one: string, other: string): Promise<number> => {
      const { body } = await request(mesh.httpUrl, 'GET', `/v1/products/${one}/recommendations`);
      const found = body.products.find(({ productId }: { productId: string }) => productId === other);
      return found?.boughtTogether ?? 0;
    };
  });
}
