import { invalidField } from '../../mesh/contract/error.js';
import { timestampOf } from '../../mesh/contract/timestamp.js';
import { userOf } from '../../mesh/rpc/context.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import type { Row } from '../../mesh/store/store.js';
import {
  type NotificationServiceDefinition,
  NotificationState,
} from '../../proto/gen/meshmart/notification/v1/notification.js';

const states: Readonly<Record<string, NotificationState>> = {
  pending: NotificationState.NOTIFICATION_STATE_PENDING,
  sent: NotificationState.NOTIFICATION_STATE_SENT,
  suppressed: NotificationState.NOTIFICATION_STATE_SUPPRESSED,
};

/** The methods of the notification service, for the user that the token names. */
export function notificationHandlers(ports: ServicePorts): Handlers<typeof NotificationServiceDefinition> {
  const { store } = ports;
  return {
    listNotifications: async (request, context) => {
      const pageSize = request.pageSize === 0 ? 20 : request.pageSize;
      const before =
        request.pageToken === '' ? 'ntf_~' : Buffer.from(request.pageToken, 'base64url').toString();
      if (!/^ntf_(~|[0-9a-z]{26})$/.test(before))
        throw invalidField('pageToken', 'page_token', 'is not one that this method gave');
      const rows = await store.query<Row>(
        {
          sql: 'SELECT * FROM notifications WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?',
          values: [userOf(context).id, before, pageSize + 1],
        },
        context.trace,
      );
      const page = rows.slice(0, pageSize);
      const last = rows.length > pageSize ? page.at(-1) : undefined;
      return {
        notifications: page.map((row) => ({
          id: String(row['id']),
          kind: String(row['kind']),
          subject: String(row['subject']),
          body: String(row['body']),
          state: states[String(row['state'])] ?? NotificationState.NOTIFICATION_STATE_UNSPECIFIED,
          createdAt: timestampOf(Number(row['created_at_ms'])),
        })),
        nextPageToken: last === undefined ? '' : Buffer.from(String(last['id'])).toString('base64url'),
      };
    },

    updatePreferences: async (request, context) => {
      const { id } = userOf(context);
      await store.commit({
        statements: [
          {
            // The account's own event may not be here yet; it fills in address and name.
            sql: `INSERT INTO contacts (user_id, email, name, order_mail, marketing_mail) VALUES (?, '', '', COALESCE(?, 1), COALESCE(?, 0))
              ON CONFLICT (user_id) DO UPDATE SET order_mail = COALESCE(?, contacts.order_mail),
                marketing_mail = COALESCE(?, contacts.marketing_mail)`,
            values: [
              id,
              flag(request.orderMail),
              flag(request.marketingMail),
              flag(request.orderMail),
              flag(request.marketingMail),
            ],
          },
        ],
        trace: context.trace,
      });
      const [row] = await store.query<Row>(
        { sql: 'SELECT * FROM contacts WHERE user_id = ?', values: [id] },
        context.trace,
      );
      return {
        preferences: {
          orderMail: Number(row?.['order_mail']) === 1,
          marketingMail: Number(row?.['marketing_mail']) === 1,
        },
      };
    },
  };
}

function flag(value: boolean | undefined): number | null {
  return value === undefined ? null : value ? 1 : 0;
}
