import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import type { User } from '../../mesh/rpc/context.js';
import type { Client } from '../../mesh/rpc/definition.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type LoneService, startLoneService } from '../../mesh/testing/lone-service.js';
import { type TemporaryFolder, temporaryFolder } from '../../mesh/testing/temporary-folder.js';
import { testContext } from '../../mesh/testing/test-context.js';
import { PaymentServiceDefinition, PaymentState } from '../../proto/gen/meshmart/payment/v1/payment.js';
import { serve } from '../../witnesses/card-processor/http.js';
import { type LedgerFile, openLedgerFile } from '../../witnesses/card-processor/ledger-file.js';
import {
  createProcessor,
  type IdempotencyMode,
  type Processor,
} from '../../witnesses/card-processor/processor.js';
import { service } from './service.js';

const order = (method: string) => `meshmart.payment.v1.PaymentService/${method}`;
const amount = { currencyCode: 'EUR', units: 19n, nanos: 990_000_000 };
const user: User = { id: 'usr_1', kind: 'user', scopes: ['payment'] };

/** The service with a real card processor over HTTP. */
for (const mode of ['honour', 'ignore'] as const) {
  describe(`payment with a processor that ${mode === 'honour' ? 'honours' : 'ignores'} idempotency keys`, function () {
    this.timeout(20_000);
    let folder: TemporaryFolder;
    let ledger: LedgerFile;
    let processor: Processor;
    let server: Server;
    let alone: LoneService;
    let payment: Client<typeof PaymentServiceDefinition>;
    let outside: Client<typeof PaymentServiceDefinition>;
    let orders = 0;
    let orderId: string;

    before(async () => {
      folder = temporaryFolder();
      ledger = openLedgerFile(join(folder.path, 'ledger.jsonl'));
      processor = createProcessor(ledger, mode satisfies IdempotencyMode, () => new Date());
      server = serve(processor, undefined);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      alone = await startLoneService({
        name: 'payment',
        service,
        callers: { order: ['Authorize', 'Capture', 'Void'].map(order) },
        environment: {
          CARD_PROCESSOR_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          PAYMENT_PROCESSOR_TIMEOUT_MS: '300',
        },
      });
      payment = alone.client(PaymentServiceDefinition, 'order');
      outside = alone.client(PaymentServiceDefinition);
    });
    beforeEach(() => {
      orders += 1;
      orderId = `ord_${mode}_${orders}`;
    });
    after(async () => {
      await alone.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      ledger.close();
      folder.remove();
    });

    const asUser = (id = user.id) => testContext({ userToken: alone.tokenOf({ ...user, id }) });
    const tokenOf = async (cardNumber: string) =>
      (
        await outside.tokenizeCard(
          { cardNumber, expiryMonth: 12, expiryYear: 2034, cvc: '123', holder: 'Ada' },
          asUser(),
        )
      ).paymentToken;
    const key = (step: string) => ({ idempotencyKey: `${orderId}:${step}` });
    const authorize = async (cardNumber: string) =>
      payment.authorize(
        { orderId, userId: user.id, paymentToken: await tokenOf(cardNumber), amount },
        testContext(),
        key('authorize'),
      );
    const capture = () => payment.capture({ orderId }, testContext(), key('capture'));
    const voided = () => payment.void({ orderId }, testContext(), key('void'));
    const reasonOf = (work: Promise<unknown>) =>
      work.then(
        () => 'done',
        (error: unknown) => MeshError.from(error).reason,
      );
    const live = () =>
      processor.byReference(orderId).filter(({ state }) => state === 'authorized' || state === 'captured');
    /** Asks again as the saga does, until the outcome is known. */
    const untilKnown = <T>(work: () => Promise<T>) => eventually(work, { withinMs: 10_000, everyMs: 20 });

    it('holds, takes and gives back an amount, each once, and tells of it', async () => {
      const [first, again] = [
        await authorize('4242424242424242'),
        await authorize('4242424242424242').catch(() => undefined),
      ];
      expect(first.payment).to.include({
        orderId,
        state: PaymentState.PAYMENT_STATE_AUTHORIZED,
        last4: '4242',
        brand: 'visa',
      });
      expect(again?.payment?.id ?? first.payment?.id).to.equal(first.payment?.id);
      expect((await capture()).payment?.state).to.equal(PaymentState.PAYMENT_STATE_CAPTURED);
      expect((await capture()).payment?.state).to.equal(PaymentState.PAYMENT_STATE_CAPTURED);
      expect(await reasonOf(voided())).to.equal('PAYMENT_STATE');
      const operator = testContext({
        userToken: alone.tokenOf({ id: 'operator', kind: 'operator', scopes: ['operator'] }),
      });
      await outside.refund({ orderId }, operator, key('refund'));
      expect((await outside.getPayment({ orderId }, asUser())).payment?.state).to.equal(
        PaymentState.PAYMENT_STATE_REFUNDED,
      );
      expect(processor.byReference(orderId).map(({ state }) => state)).to.deep.equal(['refunded']);
      await eventually(() => alone.published.filter((event) => event.key === orderId).length === 3, {
        withinMs: 2_000,
      });
    });

    it('holds and takes an amount once when its calls overlap, and gives all of them the same answer', async () => {
      const paymentToken = await tokenOf('4242424242424242');
      const overlapping = <T>(call: (count: number) => Promise<T>) =>
        Promise.all(Array.from({ length: 10 }, (_, count) => call(count)));
      // With keys of their own: what keeps them apart is the order, not the key.
      const held = await overlapping((count) =>
        payment.authorize(
          { orderId, userId: user.id, paymentToken, amount },
          testContext(),
          key(`authorize-${count}`),
        ),
      );
      expect(new Set(held.map(({ payment: made }) => made?.id)).size).to.equal(1);
      expect(live()).to.have.length(1);
      const taken = await overlapping((count) =>
        payment.capture({ orderId }, testContext(), key(`capture-${count}`)),
      );
      expect(new Set(taken.map(({ payment: made }) => made?.state))).to.deep.equal(
        new Set([PaymentState.PAYMENT_STATE_CAPTURED]),
      );
      expect(processor.byReference(orderId).map(({ state }) => state)).to.deep.equal(['captured']);
    });

    it('tells of a declined card as an answer', async () => {
      const { payment: declined } = await authorize('4000000000009995');
      expect(declined).to.include({
        state: PaymentState.PAYMENT_STATE_DECLINED,
        declineReason: 'insufficient_funds',
      });
      expect(await reasonOf(capture())).to.equal('PAYMENT_STATE');
    });

    it('holds an amount once when the processor did it and answered "timeout"', async () => {
      expect(await reasonOf(authorize('4000000000003220'))).to.equal('UNAVAILABLE');
      const { payment: held } = await untilKnown(() =>
        authorize('4000000000003220').catch(() =>
          payment.authorize({ orderId, userId: user.id, paymentToken: 'unused', amount }, testContext()),
        ),
      );
      expect(held?.state).to.equal(PaymentState.PAYMENT_STATE_AUTHORIZED);
      expect(live()).to.have.length(1);
    });

    it('takes money once when the processor did it and answered "timeout"', async () => {
      await authorize('4000000000003063');
      const { payment: taken } = await untilKnown(capture);
      expect(taken?.state).to.equal(PaymentState.PAYMENT_STATE_CAPTURED);
      expect(processor.byReference(orderId).map(({ state }) => state)).to.deep.equal(['captured']);
    });

    it('lets go what was held without its answer ever being seen', async () => {
      expect(await reasonOf(authorize('4000000000003220'))).to.equal('UNAVAILABLE');
      await untilKnown(voided);
      expect(live()).to.deep.equal([]);
    });

    it('refuses to hold anything for an order that was voided before', async () => {
      expect((await voided()).payment?.state).to.equal(PaymentState.PAYMENT_STATE_VOIDED);
      expect(await reasonOf(authorize('4242424242424242'))).to.equal('PAYMENT_VOIDED');
      expect(processor.byReference(orderId)).to.deep.equal([]);
    });

    it("takes only the buyer's own card, and shows payments only to their owner", async () => {
      const paymentToken = await tokenOf('4242424242424242');
      const stolen = payment.authorize(
        { orderId, userId: 'usr_2', paymentToken, amount },
        testContext(),
        key('authorize'),
      );
      expect(await reasonOf(stolen)).to.equal('PAYMENT_TOKEN_NOT_FOUND');
      await authorize('4242424242424242').catch(() => undefined);
      expect(await reasonOf(outside.getPayment({ orderId }, asUser('usr_2')))).to.equal('PAYMENT_NOT_FOUND');
    });

    it('keeps a ledger whose sum is zero', async () => {
      const [row] = await alone.store.query({
        sql: 'SELECT COALESCE(SUM(nanos), 0) AS sum, COUNT(*) AS entries FROM ledger',
      });
      expect(Number(row?.['entries'])).to.be.greaterThan(4);
      expect(Number(row?.['sum'])).to.equal(0);
    });

    it('never lets a card number out', async () => {
      expect(JSON.stringify(alone.log.lines)).not.to.match(/4242424242424242|4000000000003220/);
      expect(JSON.stringify(ledger.entries)).not.to.match(/4242424242424242|4000000000003220/);
    });
  });
}
