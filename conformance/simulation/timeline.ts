import type { Violation } from '../invariants/evidence.js';
import { nameOf } from '../workload/history.js';
import type { SimulationResult } from './simulate.js';
import { epochMs } from './simulated-shop.js';

/** One line of what happened to an order. */
interface Line {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

/** Faults longer before the purchase than this have nothing to do with it. */
const marginMs = 2_000;

/**
 * What happened around the subject of a violation, for people: what the buyer saw, what was sent for the order, what the
 * card processor noted, and the faults meanwhile. The run must have kept its trace.
 */
export function timelineOf(result: SimulationResult, { subject }: Violation): string {
  const { purchases, ledger } = result.evidence;
  const purchase = purchases.find((one) => nameOf(one) === subject || one.orderId === subject);
  const names = [subject, purchase?.key, purchase?.orderId].filter((name) => name !== undefined);
  const own = new RegExp(names.map((name) => `${escaped(name)}(?![0-9a-z])`).join('|'));
  const lines: Line[] = [];
  const add = (atMs: number, who: string, what: string) => void lines.push({ atMs, who, what });

  for (const { startedMs, endedMs, outcome, reason } of purchase?.attempts ?? []) {
    add(startedMs, 'buyer', `asks for ${purchase?.key}`);
    add(endedMs, 'buyer', outcome === 'ok' ? `has order ${purchase?.orderId}` : `has ${outcome} ${reason}`);
  }
  for (const { atMs, state, version } of purchase?.sightings ?? [])
    add(atMs, 'buyer', `sees ${state}, version ${version}`);
  for (const { type, authorizationId, reference, at } of ledger)
    if (own.test(reference)) add(Date.parse(at) - epochMs, 'card processor', `${type} ${authorizationId}`);
  const entries = result.shop.trace.entries();
  for (const { atMs, what, from, to, detail } of entries)
    if (what !== 'fault' && own.test(detail)) add(atMs, from, `${what} to ${to}: ${shortened(detail)}`);
  const from = Math.min(...lines.map(({ atMs }) => atMs)) - marginMs;
  const until = Math.max(...lines.map(({ atMs }) => atMs));
  for (const entry of entries)
    if (entry.what === 'fault' && entry.atMs >= from && entry.atMs <= until)
      add(entry.atMs, 'FAULT', `${entry.from} ${entry.to}`);
  return lines
    .sort((left, right) => left.atMs - right.atMs)
    .map(({ atMs, who, what }) => `${(atMs / 1_000).toFixed(4).padStart(11)} s  ${who.padEnd(16)} ${what}\n`)
    .join('');
}

/** `/meshmart.order.v1.OrderService/PlaceOrder key` as `PlaceOrder key`. */
function shortened(detail: string): string {
  return detail.replace(/^\/[\w.]+\//, '');
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
