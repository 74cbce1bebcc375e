import { checkAnswers } from './answers.js';
import type { Evidence, Violation } from './evidence.js';
import { checkMails } from './mails.js';
import { checkMoney } from './money.js';
import { checkOrders } from './orders.js';
import { checkSale } from './sale.js';
import { checkStock } from './stock.js';

/** Checks all invariants that outside witnesses can tell. An empty list is a verdict of not guilty. */
export function checkEvidence(evidence: Evidence): Violation[] {
  return [
    ...checkOrders(evidence),
    ...checkMoney(evidence),
    ...checkStock(evidence),
    ...checkSale(evidence),
    ...checkMails(evidence),
    ...checkAnswers(evidence),
  ];
}
