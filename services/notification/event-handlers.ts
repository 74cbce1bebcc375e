import type { Delivery } from '../../mesh/bus/bus.js';
import { handleOnce } from '../../mesh/bus/consumer.js';
import { MeshError } from '../../mesh/contract/error.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { EventHandler, ServicePorts } from '../../mesh/runtime/service.js';
import type { Batch, Row } from '../../mesh/store/store.js';
import {
  OrderCancelled,
  OrderConfirmed,
  OrderRejected,
  OrderShipped,
} from '../../proto/gen/meshmart/order/v1/order_events.js';
import { UserRegistered, UserUpdated } from '../../proto/gen/meshmart/users/v1/users_events.js';
import { type MailKind, type MailText, type OrderFacts, orderMail, welcome } from './mail-text.js';

interface Contact extends Row {
  readonly email: string;
  readonly name: string;
  readonly order_mail: number;
}

/**
 * What the events of users and orders lead to: a row that waits to be sent, written together with the inbox row.
 * @param written is called after each one, so that it is sent at once.
 */
export function eventHandlers(ports: ServicePorts, written: () => void): Record<string, EventHandler> {
  const { store, clock, ids } = ports;

  const note = (userId: string, email: string, kind: MailKind, text: MailText, wanted: boolean) => ({
    sql: 'INSERT INTO notifications (id, user_id, kind, email, subject, body, state, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    values: [
      ids('ntf'),
      userId,
      kind,
      email,
      text.subject,
      text.body,
      wanted ? 'pending' : 'suppressed',
      clock.nowMs(),
    ],
  });
  const once = async (delivery: Delivery, context: CallContext, work: () => Promise<Batch>) => {
    await handleOnce(store, 'notification', delivery, async () => ({
      ...(await work()),
      trace: context.trace,
    }));
    written();
  };
  const about =
    (
      kind: Exclude<MailKind, 'welcome'>,
      decode: (data: Uint8Array) => OrderFacts & { readonly userId: string },
    ): EventHandler =>
    (delivery, context) =>
      once(delivery, context, async () => {
        const order = decode(delivery.data);
        const [contact] = await store.query<Contact>(
          { sql: 'SELECT * FROM contacts WHERE user_id = ?', values: [order.userId] },
          context.trace,
        );
        if (contact === undefined) {
          // Events of two topics are not in order with each other: the account's own event is still to come.
          throw new MeshError({
            code: 'UNAVAILABLE',
            reason: 'UNAVAILABLE',
            message: `the address of ${order.userId} is not known yet`,
          });
        }
        return {
          statements: [
            note(
              order.userId,
              contact.email,
              kind,
              orderMail(kind, contact.name, order),
              Number(contact.order_mail) === 1,
            ),
          ],
        };
      });

  return {
    'meshmart.users.v1.UserRegistered': (delivery, context) =>
      once(delivery, context, async () => {
        const { userId, email, name } = UserRegistered.decode(delivery.data);
        return {
          statements: [
            contactStatement(userId, email, name),
            note(userId, email, 'welcome', welcome(name), true),
          ],
        };
      }),
    'meshmart.users.v1.UserUpdated': (delivery, context) =>
      once(delivery, context, async () => {
        const { userId, email, name } = UserUpdated.decode(delivery.data);
        return { statements: [contactStatement(userId, email, name)] };
      }),
    'meshmart.order.v1.OrderConfirmed': about('order-confirmed', (data) => OrderConfirmed.decode(data)),
    'meshmart.order.v1.OrderShipped': about('order-shipped', (data) => OrderShipped.decode(data)),
    'meshmart.order.v1.OrderRejected': about('order-rejected', (data) => OrderRejected.decode(data)),
    'meshmart.order.v1.OrderCancelled': about('order-cancelled', (data) => OrderCancelled.decode(data)),
  };
}

function contactStatement(userId: string, email: string, name: string) {
  return {
    sql: `INSERT INTO contacts (user_id, email, name) VALUES (?, ?, ?)
      ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, name = excluded.name`,
    values: [userId, email, name],
  };
}
