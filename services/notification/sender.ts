import { MeshError } from '../../mesh/contract/error.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { type Row, StoreConflict } from '../../mesh/store/store.js';

interface PendingRow extends Row {
  readonly id: string;
  readonly email: string;
  readonly subject: string;
  readonly body: string;
}

/** What the sender needs of the world. */
export type SenderPorts = Pick<ServicePorts, 'store' | 'clock' | 'mail' | 'log' | 'stopping'>;

/** Longer than the mail server may take for one mail, with all its timeouts. */
const claimMs = 30_000;

/**
 * Sends what waits, oldest first, one at a time. Each mail is claimed before, so that instances on one database send
 * different ones. A mail that the server took just before a crash is sent again, when its claim is over, with the same
 * Message-ID, so that the reader's program shows it once. While the server is away everything waits.
 */
export function createSender(ports: SenderPorts): () => Promise<void> {
  const { store, clock, mail, log, stopping } = ports;
  let sending: Promise<void> | undefined;
  let more = false;

  /** Until when a mail is ours; undefined when another was quicker. */
  const claim = async (id: string): Promise<number | undefined> => {
    const untilMs = clock.nowMs() + claimMs;
    try {
      await store.commit({
        statements: [
          {
            sql: `UPDATE notifications SET claimed_until_ms = ? WHERE id = ? AND state = 'pending' AND ${unclaimed}`,
            values: [untilMs, id, ...unclaimedValues()],
            changes: 1,
            guard: 'claim',
          },
        ],
      });
      return untilMs;
    } catch (error) {
      if (error instanceof StoreConflict) return undefined;
      throw error;
    }
  };
  const release = (id: string, untilMs: number) =>
    store.commit({
      statements: [
        {
          sql: 'UPDATE notifications SET claimed_until_ms = 0 WHERE id = ? AND claimed_until_ms = ?',
          values: [id, untilMs],
        },
      ],
    });
  // A claim that lasts longer than any can was made before the machine's clock was set back.
  const unclaimed = '(claimed_until_ms <= ? OR claimed_until_ms > ?)';
  const unclaimedValues = () => [clock.nowMs(), clock.nowMs() + claimMs];

  const sendAll = async () => {
    for (;;) {
      const rows = await store.query<PendingRow>({
        sql: `SELECT id, email, subject, body FROM notifications
          WHERE state = 'pending' AND ${unclaimed} ORDER BY id LIMIT 50`,
        values: unclaimedValues(),
      });
      if (rows.length === 0 && !more) return;
      more = false;
      for (const row of rows) {
        if (stopping.aborted) return;
        const claimedUntilMs = await claim(row.id);
        if (claimedUntilMs === undefined) continue;
        try {
          await mail.send({
            messageId: `<${row.id}@meshmart.example>`,
            to: row.email,
            subject: row.subject,
            text: row.body,
          });
        } catch (error) {
          await release(row.id, claimedUntilMs);
          throw error;
        }
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
