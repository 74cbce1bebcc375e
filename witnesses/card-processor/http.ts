import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { summarize } from './ledger.js';
import type { Answer, Processor } from './processor.js';

const bodyLimitBytes = 16_384;
/** A request that is never answered is cut off after this long. */
const hangMs = 30_000;

/** The processor over HTTP. @param apiKey when given, requests need it as bearer token. */
export function serve(processor: Processor, apiKey: string | undefined): Server {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8_192 },
    (request, response) => {
      handle(request, response, processor, apiKey).catch((error: unknown) => {
        if (!response.headersSent)
          reply(response, 400, { error: error instanceof BadRequest ? error.message : 'bad_request' });
      });
    },
  );
  server.maxConnections = 500;
  return server;
}

class BadRequest extends Error {}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  processor: Processor,
  apiKey: string | undefined,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://processor');
  const route = `${request.method} ${url.pathname}`;
  if (route === 'GET /healthz') {
    reply(response, 200, { status: 'alive' });
    return;
  }
  if (route === 'GET /v1/ledger') {
    reply(response, 200, { entries: processor.entries() });
    return;
  }
  if (route === 'GET /v1/ledger/summary') {
    reply(response, 200, summarize(processor.entries()));
    return;
  }
  if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) {
    reply(response, 401, { error: 'wrong_api_key' });
    return;
  }
  if (route === 'GET /v1/authorizations') {
    return reply(response, 200, {
      authorizations: processor.byReference(url.searchParams.get('reference') ?? ''),
    });
  }
  const key = request.headers['idempotency-key'];
  if (route === 'POST /v1/authorizations') {
    const body = authorizationRequest(await bodyOf(request));
    give(response, processor.authorize(keyOf(key), body));
    return;
  }
  const [, id = '', verb] =
    /^\/v1\/authorizations\/([^/]+)(?:\/(capture|void|refund))?$/.exec(url.pathname) ?? [];
  if (request.method === 'GET' && id !== '' && verb === undefined) {
    const found = processor.find(id);
    return found === undefined
      ? reply(response, 404, { error: 'no_such_authorization' })
      : reply(response, 200, { authorization: found });
  }
  if (request.method === 'POST' && verb !== undefined) {
    const to = { capture: 'captured', void: 'voided', refund: 'refunded' } as const;
    give(response, processor.change(keyOf(key), id, to[verb as keyof typeof to]));
    return;
  }
  reply(response, 404, { error: 'no_such_path' });
  return;
}

/** Gives an answer in its manner. */
function give(response: ServerResponse, answer: Answer): void {
  switch (answer.manner) {
    case 'prompt': {
      reply(response, answer.status, answer.body);
      return;
    }
    case 'timeout': {
      reply(response, 504, { error: 'timeout' });
      return;
    }
    case 'never':
      setTimeout(() => response.destroy(), hangMs).unref();
      return;
    default:
      setTimeout(() => reply(response, answer.status, answer.body), answer.manner.afterMs);
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyLimitBytes) throw new BadRequest('body_too_large');
    chunks.push(chunk);
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
  if (typeof value !== 'object' || value === null) throw new BadRequest('body_is_no_object');
  return value as Record<string, unknown>;
}

function keyOf(key: string | string[] | undefined): string {
  if (typeof key === 'string' && key !== '' && key.length <= 200) return key;
  throw new BadRequest('idempotency_key_missing');
}

function authorizationRequest(body: Record<string, unknown>) {
  const { reference, card, amount } = body as {
    reference?: unknown;
    card?: Record<string, unknown>;
    amount?: Record<string, unknown>;
  };
  if (typeof reference !== 'string' || reference === '') throw new BadRequest('reference_missing');
  if (typeof card?.['number'] !== 'string' || !/^\d{12,19}$/.test(card['number']))
    throw new BadRequest('card_number_invalid');
  if (typeof card['expiryMonth'] !== 'number' || typeof card['expiryYear'] !== 'number')
    throw new BadRequest('card_expiry_missing');
  const { currencyCode, units, nanos } = amount ?? {};
  if (
    typeof currencyCode !== 'string' ||
    typeof units !== 'string' ||
    !/^\d{1,18}$/.test(units) ||
    typeof nanos !== 'number' ||
    !Number.isInteger(nanos)
  ) {
    throw new BadRequest('amount_invalid');
  }
  return {
    reference,
    card: { number: card['number'], expiryMonth: card['expiryMonth'], expiryYear: card['expiryYear'] },
    amount: { currencyCode, units, nanos },
  };
}
