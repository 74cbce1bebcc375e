import { type Code, MeshError, type Reason } from '../contract/error.js';
import type { MethodPolicy } from '../contract/policy.js';
import { orAborted } from '../rpc/deadline.js';
import { echoPolicy } from '../rpc/echo-contract.test.js';
import type { Body, Wire, WireRequest, WireResponse } from '../rpc/wire.js';

/** A wire whose answers a test gives, and which remembers what it was asked. */
export interface ScriptedWire extends Wire {
  readonly asked: WireRequest[];
  /** Requests that have neither been answered nor ended. */
  inFlight(): number;
  closed(): boolean;
  /** What it does from now on. */
  answer: (request: WireRequest) => Promise<WireResponse>;
}

export function scriptedWire(answer: ScriptedWire['answer'] = async () => answered()): ScriptedWire {
  let closed = false;
  let inFlight = 0;
  const wire: ScriptedWire = {
    asked: [],
    answer,
    inFlight: () => inFlight,
    closed: () => closed,
    call: async (request) => {
      wire.asked.push(request);
      inFlight += 1;
      try {
        return await orAborted(wire.answer(request), request.signal);
      } finally {
        inFlight -= 1;
      }
    },
    close: () => {
      closed = true;
    },
  };
  return wire;
}

export const answered = (body: Body = new Uint8Array([1])): WireResponse => ({ body, trailers: {} });

export const never = () => new Promise<never>(() => undefined);

export const failing =
  (code: Code, reason: Reason = 'INTERNAL') =>
  async (): Promise<never> => {
    throw failureOf(code, reason);
  };

export const failureOf = (code: Code, reason: Reason = 'INTERNAL') =>
  new MeshError({ code, reason, message: 'planted' });

/** A read of the echo service; a test changes what it is about. */
export const read: MethodPolicy = echoPolicy('say', { idempotency: 'no_side_effects' });

/** A call without a deadline of its own. */
export function request(changes: Partial<WireRequest> = {}): WireRequest {
  return {
    method: read,
    body: new Uint8Array([7]),
    metadata: {},
    deadlineMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    ...changes,
  };
}

/** How a call ended: `OK`, or code and reason of its failure. */
export async function outcome(call: Promise<WireResponse>): Promise<string> {
  try {
    const { body } = await call;
    if (!(body instanceof Uint8Array)) for await (const _ of body);
    return 'OK';
  } catch (thrown) {
    const { code, reason } = MeshError.from(thrown);
    return `${code} ${reason}`;
  }
}
