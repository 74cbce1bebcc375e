import { MeshError } from '../../mesh/contract/error.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import type { Row } from '../../mesh/store/store.js';

interface PendingRow extends Row {
  readonly id: string;
  readonly email: string;
  readonly subject: string;
  readonly body: string;
}

/**
 * Sends what waits, oldest first, one at a time. A mail that the server took just before a crash is sent again with the same
 * Message-ID, so that the reader's program shows it once. While the server is away everything waits.
 */
export function createSender(ports: ServicePorts): () => Promise<void> {
  const { store, mail, log, stopping } = ports;
  let sending: Promise<void> | undefined;
  let more = false;

  const sendAll = async () => {
    for (;;) {
      const rows = await store.query<PendingRow>({
        sql: "SELECT id, email, subject, body FROM notifications WHERE state = 'pending' ORDER BY id LIMIT 50",
      });
      if (rows.length === 0 && !more) return;
      more = false;
      for (const row of rows) {
        if (stopping.aborted) return;
        await mail.send({
          messageId: `<${row.id}@meshmart.example>`,
          to: row.email,
          subject: row.subject,
          text: row.body,
        });
        await store.commit({
          statements: [{ sql: "UPDATE notifications SET state = 'sent' WHERE id = ?", values: [row.id] }],
        });
      }
    }
  };

  return () => {
    more = true;
    sending ??= sendAll()
      .catch((error: unknown) => {
        const { code, message } = MeshError.from(error);
        log.warn({ code, problem: message }, 'mail waits until the mail server takes it');
      })
      .finally(() => {
        sending = undefined;
      });
    return sending;
  };
}
