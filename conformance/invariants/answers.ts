import { nameOf } from '../workload/history.js';
import type { Evidence, Violation } from './evidence.js';

/** I8: the same key gets the same bytes, however often and whenever it comes. */
export function checkAnswers({ purchases }: Evidence): Violation[] {
  return purchases.flatMap((purchase) => {
    const { attempts, orderId } = purchase;
    const answers = new Set(attempts.flatMap(({ outcome, bytes }) => (outcome === 'ok' ? [bytes] : [])));
    const violations: Violation[] = [];
    if (answers.size > 1)
      violations.push({
        invariant: 'I8',
        subject: nameOf(purchase),
        message: `got ${answers.size} different answers`,
      });
    const refusal = attempts.find(({ outcome }) => outcome === 'fail');
    if (orderId !== undefined && refusal !== undefined)
      violations.push({
        invariant: 'I8',
        subject: nameOf(purchase),
        message: `was refused with ${refusal.reason}, and has order ${orderId}`,
      });
    return violations;
  });
}
