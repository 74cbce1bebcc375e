/** The tables of the notification service. A released step never changes. */
export const schema: readonly string[] = [
  `CREATE TABLE contacts (
    user_id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    order_mail BIGINT NOT NULL DEFAULT 1,
    marketing_mail BIGINT NOT NULL DEFAULT 0
  )`,
  `CREATE TABLE notifications (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    email TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
  )`,
  'CREATE INDEX notifications_by_user ON notifications (user_id, id)',
  "CREATE INDEX notifications_pending ON notifications (id) WHERE state = 'pending'",
  // Until when an instance may be sending it; 0 when none is.
  'ALTER TABLE notifications ADD COLUMN claimed_until_ms BIGINT NOT NULL DEFAULT 0',
];
