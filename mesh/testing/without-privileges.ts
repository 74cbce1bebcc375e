/** User and group ids of nobody, on all systems that have a superuser. */
const nobody = 65_534;

/**
 * Runs a task as somebody to whom file modes apply: the superuser, whom tests may run as, reads and writes everything.
 * Only what happens before the task returns counts, so it takes no promise.
 */
export function withoutPrivileges<T>(task: () => T): T {
  if (process.geteuid?.() !== 0) return task();
  process.seteuid?.(nobody);
  try {
    return task();
  } finally {
    process.seteuid?.(0);
  }
}
