import type { OutgoingHttp } from '../../mesh/runtime/outgoing-http.js';
import type { Life } from '../../mesh/sim/life.js';
import type { Network } from '../../mesh/sim/network.js';
import type { LedgerEntry } from '../../witnesses/card-processor/ledger.js';
import {
  type Answer,
  type Card,
  createProcessor,
  type IdempotencyMode,
} from '../../witnesses/card-processor/processor.js';

/** The real card processor's logic with a ledger in memory, behind the simulated network. */
export interface SimulatedProcessor {
  httpFor(life: Life): OutgoingHttp;
  readonly entries: readonly LedgerEntry[];
}

export interface SimulatedProcessorOptions {
  readonly network: Network;
  readonly mode: IdempotencyMode;
  now(): Date;
  note(what: string, from: string, to: string, detail: string): void;
}

/** Where it stands in the network. */
export const processorName = 'processor';

/** Makes the processor. Its HTTP is that of the witness: the same paths, keys and bodies. */
export function simulatedProcessor(options: SimulatedProcessorOptions): SimulatedProcessor {
  const { network } = options;
  const entries: LedgerEntry[] = [];
  let made = 0;
  const processor = createProcessor(
    { entries, append: (entry) => void entries.push(entry), close: () => undefined },
    options.mode,
    options.now,
    () => {
      made += 1;
      return String(made);
    },
  );

  /** Undefined: no answer, ever. */
  const give = (answer: Answer) => {
    switch (answer.manner) {
      case 'prompt':
        return { status: answer.status, body: answer.body, afterMs: 0 };
      case 'timeout':
        return { status: 504, body: { error: 'timeout' }, afterMs: 0 };
      case 'never':
        return undefined;
      default:
        return { status: answer.status, body: answer.body, afterMs: answer.manner.afterMs };
    }
  };
  const handle = (method: string, url: URL, key: string, body: string) => {
    options.note('processor', `${method} ${url.pathname}`, key, '');
    const [, id = '', verb] =
      /^\/v1\/authorizations\/([^/]+)(?:\/(capture|void|refund))?$/.exec(url.pathname) ?? [];
    if (verb !== undefined) {
      const to = { capture: 'captured', void: 'voided', refund: 'refunded' } as const;
      return give(processor.change(key, id, to[verb as keyof typeof to]));
    }
    if (id !== '') {
      const authorization = processor.find(id);
      return authorization === undefined
        ? { status: 404, body: { error: 'no_such_authorization' }, afterMs: 0 }
        : { status: 200, body: { authorization }, afterMs: 0 };
    }
    if (method === 'GET') {
      const authorizations = processor.byReference(url.searchParams.get('reference') ?? '');
      return { status: 200, body: { authorizations }, afterMs: 0 };
    }
    return give(
      processor.authorize(key, JSON.parse(body) as { reference: string; card: Card; amount: never }),
    );
  };

  return {
    entries,
    httpFor:
      (life) =>
      ({ method, url, headers, body, signal }) =>
        new Promise((resolve, reject) => {
          const giveUp = () => reject(signal.reason);
          if (signal.aborted) return giveUp();
          signal.addEventListener('abort', giveUp, { once: true });
          const end = (settle: () => void) => {
            signal.removeEventListener('abort', giveUp);
            settle();
          };
          network
            .exchange(
              life,
              processorName,
              () => handle(method, url, headers['idempotency-key'] ?? '', body ?? ''),
              // A processor that knows no keys can't be protected from a proxy that sends a payment twice.
              options.mode === 'ignore' ? 'once' : 'at least once',
            )
            .then(
              (answer) => {
                if (answer === undefined) return;
                const { status, afterMs } = answer;
                const text = JSON.stringify(answer.body);
                life.after(afterMs, () => end(() => resolve({ status, body: text })));
              },
              (error: unknown) => end(() => reject(error)),
            );
        }),
  };
}
