import { createHash, randomUUID } from 'node:crypto';
import {
  type Amount,
  type Authorization,
  evolve,
  type LedgerEntry,
  type Refusal,
  refuseChange,
} from './ledger.js';
import type { LedgerFile } from './ledger-file.js';
import { type Behaviour, behaviourOf } from './test-cards.js';

/** Whether a repeated key gets its first answer, or every request counts as new. */
export type IdempotencyMode = 'honour' | 'ignore';

/** A card as it is presented. */
export interface Card {
  readonly number: string;
  readonly expiryMonth: number;
  readonly expiryYear: number;
}

/** How the answer is to be given: at once, late, never, or as a lie about a timeout. */
export type Manner = 'prompt' | 'never' | 'timeout' | { readonly afterMs: number };

/** What a request came to. */
export interface Answer {
  readonly status: number;
  readonly body: { readonly authorization: Authorization } | { readonly error: string };
  readonly manner: Manner;
}

/** The processor: everything that it has answered is in the ledger before the answer leaves. */
export interface Processor {
  authorize(
    key: string,
    request: { readonly reference: string; readonly card: Card; readonly amount: Amount },
  ): Answer;
  change(key: string, id: string, to: 'captured' | 'voided' | 'refunded'): Answer;
  find(id: string): Authorization | undefined;
  byReference(reference: string): Authorization[];
  entries(): readonly LedgerEntry[];
}

/** @param newId makes an authorisation's id. Default: a random one. */
export function createProcessor(
  file: LedgerFile,
  mode: IdempotencyMode,
  now: () => Date,
  newId: () => string = randomUUID,
): Processor {
  const ledger = new Map<string, Authorization>();
  const answered = new Map<string, LedgerEntry>();
  const misbehaved = new Set<string>();
  const capturesTimeOut = new Set<string>();
  const note = (entry: LedgerEntry) => {
    evolve(ledger, entry);
    answered.set(`${entry.request.path} ${entry.request.key}`, entry);
  };
  file.entries.forEach(note);

  /** The stored answer of a key; 422 when the key came with another body. */
  const replay = (path: string, key: string, bodyHash: string): Answer | undefined => {
    const before = mode === 'honour' ? answered.get(`${path} ${key}`) : undefined;
    if (before === undefined) return undefined;
    if (before.request.bodyHash !== bodyHash)
      return { status: 422, body: { error: 'key_reused' }, manner: 'prompt' };
    const now = ledger.get(before.authorizationId) as Authorization;
    return { status: 200, body: { authorization: { ...now, state: before.type } }, manner: 'prompt' };
  };
  const write = (entry: Omit<LedgerEntry, 'at'>) => {
    const stamped = { ...entry, at: now().toISOString() };
    file.append(stamped);
    note(stamped);
    return ledger.get(entry.authorizationId) as Authorization;
  };
  /** A card misbehaves on the first attempt of a key, and is good after it. */
  const firstTime = (key: string) => !misbehaved.has(key) && misbehaved.add(key) !== undefined;

  return {
    authorize: (key, { reference, card, amount }) => {
      const path = 'authorize';
      const bodyHash = hashOf(reference, card.number, amount);
      const before = replay(path, key, bodyHash);
      if (before !== undefined) return before;
      const behaviour = behaviourOf(card.number);
      if (behaviour.kind === 'hangs' && firstTime(`${path} ${key}`))
        return { status: 0, body: { error: 'never' }, manner: 'never' };
      const id = `auth_${newId()}`;
      const declineReason = reasonToDecline(behaviour, card, now());
      const authorization = write({
        type: declineReason === undefined ? 'authorized' : 'declined',
        authorizationId: id,
        reference,
        amount,
        card: `${card.number.slice(0, 6)}...${card.number.slice(-4)}`,
        ...(declineReason === undefined ? {} : { declineReason }),
        request: { key, path, bodyHash },
      });
      if (behaviour.kind === 'times_out_after' && behaviour.what === 'capture') capturesTimeOut.add(id);
      const lies =
        behaviour.kind === 'times_out_after' && behaviour.what === 'authorize' && firstTime(`${path} ${key}`);
      const manner = lies ? 'timeout' : behaviour.kind === 'slow' ? { afterMs: behaviour.delayMs } : 'prompt';
      return { status: 201, body: { authorization }, manner };
    },
    change: (key, id, to) => {
      const path = `${to} ${id}`;
      const before = replay(path, key, id);
      if (before !== undefined) return before;
      const authorization = ledger.get(id);
      if (authorization === undefined)
        return { status: 404, body: { error: 'no_such_authorization' }, manner: 'prompt' };
      const refusal: Refusal | undefined = refuseChange(authorization, to);
      if (refusal !== undefined)
        return { status: refusal.status, body: { error: refusal.error }, manner: 'prompt' };
      const { reference, amount, card } = authorization;
      const changed = write({
        type: to,
        authorizationId: id,
        reference,
        amount,
        card,
        request: { key, path, bodyHash: id },
      });
      const lies = to === 'captured' && capturesTimeOut.has(id) && firstTime(path);
      return { status: 200, body: { authorization: changed }, manner: lies ? 'timeout' : 'prompt' };
    },
    find: (id) => ledger.get(id),
    byReference: (reference) =>
      [...ledger.values()].filter((authorization) => authorization.reference === reference),
    entries: () => file.entries,
  };
}

function reasonToDecline(behaviour: Behaviour, card: Card, now: Date): string | undefined {
  if (behaviour.kind === 'declines') return behaviour.reason;
  const firstInvalidMonth = Date.UTC(card.expiryYear, card.expiryMonth, 1);
  return firstInvalidMonth <= now.getTime() ? 'expired_card' : undefined;
}

function hashOf(reference: string, number: string, amount: Amount): string {
  // The number is hashed together with the rest and cut short: it can't be found again from the ledger.
  return createHash('sha256')
    .update(JSON.stringify([reference, number.slice(-4), amount]))
    .digest('hex')
    .slice(0, 16);
}
