import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';

/** A request to a server outside the shop. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the request; what it asked for may have happened nevertheless. */
  readonly signal: AbortSignal;
}

/** What the server answered, whatever its status. Redirects are answers like others: nobody follows them. */
export interface OutgoingAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * HTTP to the outside.
 * @throws the signal's reason when it was aborted, and an Error of any kind when there is no whole answer.
 */
export type OutgoingHttp = (request: OutgoingRequest) => Promise<OutgoingAnswer>;

/** Connections that wait for their next request, at most so long, in milliseconds: less than servers usually wait (5 s). */
const idleConnectionMs = 4_000;

/** Longest answer that is taken, in bytes. */
const maxAnswerBytes = 1024 * 1024;

/**
 * HTTP over connections that are kept. The platform's `fetch` costs some four times as much of a processor, and there are
 * a few requests in each purchase.
 */
export function machineHttp(): OutgoingHttp {
  const options = { keepAlive: true, timeout: idleConnectionMs };
  const plain = new PlainAgent(options);
  const secure = new SecureAgent(options);
  return ({ method, url, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const isSecure = url.protocol === 'https:';
      const request = (isSecure ? secureRequest : plainRequest)(url, {
        method,
        agent: isSecure ? secure : plain,
        headers: body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) },
      });
      const end = (settle: () => void) => {
        signal.removeEventListener('abort', giveUp);
        settle();
      };
      const fail = (error: unknown) => {
        end(() => reject(error));
        request.destroy();
      };
      const giveUp = () => fail(signal.reason);
      signal.addEventListener('abort', giveUp, { once: true });
      // Also after the end: a connection that breaks then is nobody's affair.
      request.on('error', fail);
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('error', fail);
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > maxAnswerBytes) fail(new Error(`the answer is longer than ${maxAnswerBytes} bytes`));
          else chunks.push(chunk);
        });
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          end(() => resolve({ status: response.statusCode ?? 0, body: text }));
        });
        response.once('close', () => {
          if (!response.complete) fail(new Error('the answer broke off'));
        });
      });
      request.end(body);
    });
}
