import { MeshError } from '../../mesh/contract/error.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { formatTraceparent } from '../../mesh/telemetry/trace-context.js';
import type { Money } from '../../proto/gen/meshmart/type/v1/money.js';
import { processorTimeout } from './settings.js';

/** An authorisation as the card processor tells it. */
export interface ProcessorAuthorization {
  readonly id: string;
  readonly state: 'authorized' | 'declined' | 'captured' | 'voided' | 'refunded';
  readonly declineReason?: string;
}

/** A card as it is presented to the processor. The only place where a number leaves the vault. */
export interface PresentedCard {
  readonly number: string;
  readonly expiryMonth: number;
  readonly expiryYear: number;
}

/**
 * The card processor outside. Every method throws MeshError UNAVAILABLE when it is not known what happened: no answer, a
 * late one, or one that says "timeout".
 */
export interface CardProcessor {
  authorize(
    reference: string,
    key: string,
    card: PresentedCard,
    amount: Money,
    context: CallContext,
  ): Promise<ProcessorAuthorization>;
  capture(id: string, key: string, context: CallContext): Promise<ProcessorAuthorization>;
  void(id: string, key: string, context: CallContext): Promise<ProcessorAuthorization>;
  refund(id: string, key: string, context: CallContext): Promise<ProcessorAuthorization>;
  /** All authorisations of a reference, oldest first. */
  find(reference: string, context: CallContext): Promise<ProcessorAuthorization[]>;
  get(id: string, context: CallContext): Promise<ProcessorAuthorization>;
}

/** The processor over HTTP. */
export function httpCardProcessor(ports: ServicePorts): CardProcessor {
  const baseUrl = ports.setting('cardProcessorUrl');
  const timeoutMs = processorTimeout(ports.setting);

  const send = async <T>(
    method: string,
    path: string,
    context: CallContext,
    key?: string,
    body?: object,
  ): Promise<T> => {
    const span = ports.tracer.start({
      name: `${method} card processor`,
      kind: 'client',
      parent: context.trace,
      attributes: { 'http.request.method': method, 'server.address': new URL(baseUrl).host },
    });
    const ending = new AbortController();
    const cancel = ports.timers.after(timeoutMs, () => ending.abort());
    const giveUp = () => ending.abort();
    context.signal.addEventListener('abort', giveUp, { once: true });
    // An abort that has been is not told of again.
    if (context.signal.aborted) giveUp();
    try {
      const { status, body: text } = await ports.http({
        method,
        url: new URL(path, baseUrl),
        headers: {
          traceparent: formatTraceparent(span.context),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: ending.signal,
      });
      span.setAttribute('http.response.status_code', status);
      if (status < 200 || status > 299) throw unknownOutcome(`the card processor answered ${status}`);
      const answer: unknown = JSON.parse(text);
      span.end();
      return answer as T;
    } catch (error) {
      span.end('UNAVAILABLE');
      // What the request says may hold the address and nothing else; the cause goes to the log only.
      throw MeshError.is(error) ? error : unknownOutcome('the card processor did not answer', error);
    } finally {
      cancel();
      context.signal.removeEventListener('abort', giveUp);
    }
  };
  const change = async (id: string, verb: string, key: string, context: CallContext) =>
    (
      await send<{ authorization: ProcessorAuthorization }>(
        'POST',
        `/v1/authorizations/${encodeURIComponent(id)}/${verb}`,
        context,
        key,
      )
    ).authorization;

  return {
    authorize: async (reference, key, card, amount, context) => {
      const body = {
        reference,
        card,
        amount: { currencyCode: amount.currencyCode, units: String(amount.units), nanos: amount.nanos },
      };
      return (
        await send<{ authorization: ProcessorAuthorization }>(
          'POST',
          '/v1/authorizations',
          context,
          key,
          body,
        )
      ).authorization;
    },
    capture: (id, key, context) => change(id, 'capture', key, context),
    void: (id, key, context) => change(id, 'void', key, context),
    refund: (id, key, context) => change(id, 'refund', key, context),
    find: async (reference, context) =>
      (
        await send<{ authorizations: ProcessorAuthorization[] }>(
          'GET',
          `/v1/authorizations?reference=${encodeURIComponent(reference)}`,
          context,
        )
      ).authorizations,
    get: async (id, context) =>
      (
        await send<{ authorization: ProcessorAuthorization }>(
          'GET',
          `/v1/authorizations/${encodeURIComponent(id)}`,
          context,
        )
      ).authorization,
  };
}

function unknownOutcome(what: string, cause?: unknown): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'UNAVAILABLE',
    message: `${what}: what was asked for may have happened, so ask again with the same key`,
    ...(cause === undefined ? {} : { cause }),
  });
}
