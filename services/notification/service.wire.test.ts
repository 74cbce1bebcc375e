import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type LoneService, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext } from '../../mesh/testing/test-context.js';
import {
  NotificationServiceDefinition,
  NotificationState,
} from '../../proto/gen/meshmart/notification/v1/notification.js';
import {
  OrderConfirmed,
  OrderRejected,
  OrderShipped,
} from '../../proto/gen/meshmart/order/v1/order_events.js';
import { UserRegistered, UserUpdated } from '../../proto/gen/meshmart/users/v1/users_events.js';
import { oneLine, orderMail } from './mail-text.js';
import { service } from './service.js';

describe('notification', () => {
  let alone: LoneService;
  beforeEach(async () => {
    alone = await startLoneService({ name: 'notification', service });
  });
  afterEach(() => alone.stop());

  const register = (userId: string, id?: string) =>
    alone.announce(
      'users',
      'meshmart.users.v1.UserRegistered',
      userId,
      UserRegistered.encode(
        UserRegistered.fromPartial({ userId, email: `${userId}@example.com`, name: 'Ada' }),
      ).finish(),
      id,
    );
  const confirm = (userId: string, orderId: string, id?: string) =>
    alone.announce(
      'order',
      'meshmart.order.v1.OrderConfirmed',
      orderId,
      OrderConfirmed.encode(
        OrderConfirmed.fromPartial({ orderId, userId, total: { currencyCode: 'EUR', units: 12n, nanos: 0 } }),
      ).finish(),
      id,
    );
  const context = (id: string) =>
    testContext({ userToken: alone.tokenOf({ id, kind: 'user', scopes: ['profile'] }) });
  const listOf = async (id: string) =>
    (await alone.client(NotificationServiceDefinition).listNotifications({}, context(id))).notifications;

  it('welcomes a new user, and writes about orders', async () => {
    await register('usr_1');
    await confirm('usr_1', 'ord_1');
    await alone.announce(
      'order',
      'meshmart.order.v1.OrderShipped',
      'ord_1',
      OrderShipped.encode(
        OrderShipped.fromPartial({ orderId: 'ord_1', userId: 'usr_1', trackingNumber: 'MM1' }),
      ).finish(),
    );
    await eventually(
      async () =>
        expect((await listOf('usr_1')).map(({ kind }) => kind)).to.deep.equal([
          'order-shipped',
          'order-confirmed',
          'welcome',
        ]),
      { withinMs: 3_000 },
    );
    await eventually(
      async () =>
        (await listOf('usr_1')).every(({ state }) => state === NotificationState.NOTIFICATION_STATE_SENT),
      { withinMs: 3_000 },
    );
    expect(await listOf('usr_2')).to.deep.equal([]);
  });

  it('makes one mail of an event that is delivered twice', async () => {
    await register('usr_1', 'event-1');
    await register('usr_1', 'event-1');
    await confirm('usr_1', 'ord_1', 'event-2');
    await confirm('usr_1', 'ord_1', 'event-2');
    await confirm('usr_1', 'ord_2', 'event-3');
    await eventually(async () => expect((await listOf('usr_1')).length).to.equal(3), { withinMs: 3_000 });
  });

  it('waits with an order whose buyer it does not know yet', async () => {
    await confirm('usr_1', 'ord_1');
    await register('usr_1');
    await eventually(
      async () =>
        expect((await listOf('usr_1')).map(({ kind }) => kind).sort()).to.deep.equal([
          'order-confirmed',
          'welcome',
        ]),
      { withinMs: 5_000 },
    );
  });

  it('does not send what somebody does not want', async () => {
    await register('usr_1');
    const { preferences } = await alone
      .client(NotificationServiceDefinition)
      .updatePreferences({ orderMail: false }, context('usr_1'));
    expect(preferences).to.deep.equal({ orderMail: false, marketingMail: false });
    await confirm('usr_1', 'ord_1');
    await eventually(
      async () =>
        expect((await listOf('usr_1'))[0]).to.include({
          kind: 'order-confirmed',
          state: NotificationState.NOTIFICATION_STATE_SUPPRESSED,
        }),
      { withinMs: 3_000 },
    );
  });

  it('pages, newest first, and refuses a page token that it did not give', async () => {
    await register('usr_1');
    for (let n = 0; n < 4; n += 1) await confirm('usr_1', `ord_${n}`);
    await eventually(async () => (await listOf('usr_1')).length === 5, { withinMs: 3_000 });
    const client = alone.client(NotificationServiceDefinition);
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await client.listNotifications({ pageSize: 2, pageToken }, context('usr_1'));
      seen.push(...page.notifications.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen)
      .to.deep.equal([...seen].sort().reverse())
      .and.to.have.length(5);
    const wrong = await client
      .listNotifications({ pageToken: 'nonsense' }, context('usr_1'))
      .catch((error: unknown) => MeshError.from(error));
    expect(wrong).to.include({ code: 'INVALID_ARGUMENT' });
  });

  it('knows the new name of somebody', async () => {
    await register('usr_1');
    await alone.announce(
      'users',
      'meshmart.users.v1.UserUpdated',
      'usr_1',
      UserUpdated.encode(
        UserUpdated.fromPartial({ userId: 'usr_1', email: 'new@example.com', name: 'Countess' }),
      ).finish(),
    );
    await alone.announce(
      'order',
      'meshmart.order.v1.OrderRejected',
      'ord_1',
      OrderRejected.encode(OrderRejected.fromPartial({ orderId: 'ord_1', userId: 'usr_1' })).finish(),
    );
    await eventually(async () => expect((await listOf('usr_1'))[0]?.body).to.match(/Hello (Countess|Ada),/), {
      withinMs: 3_000,
    });
  });
});

describe('the text of a mail', () => {
  it('keeps line breaks of names and messages out of headers and lines', () => {
    expect(oneLine('Ada\r\nBcc: all@example.com\u2028x')).to.equal('Ada Bcc: all@example.com x');
    const { subject, body } = orderMail('order-rejected', 'Ada\nEve', {
      orderId: 'ord_1\r\nX: y',
      lines: [],
      total: undefined,
      failure: { reason: 1, message: 'no\nstock' },
    });
    expect(subject).not.to.match(/[\r\n]/);
    expect(body).to.contain('Hello Ada Eve,').and.contain('no stock');
  });
});
