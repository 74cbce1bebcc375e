import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Random } from '../runtime/ports.js';
import { readOrMakeSecret } from '../runtime/secret-file.js';

/**
 * The secret by which the admin port knows an operator: whoever can read `<data>/secrets/admin-token` is one. It is made
 * when it is missing.
 * @param secretsFolder `<data>/secrets`.
 * @throws StartupError when the file can't be read or written, or others can read it.
 */
export function readAdminToken(secretsFolder: string, random: Random): string {
  return Buffer.from(readOrMakeSecret(join(secretsFolder, 'admin-token'), 32, random)).toString('base64url');
}

/** Why a request is refused, or undefined for one from an operator on this machine. */
export type Refusal = { readonly status: 401 | 403; readonly title: string; readonly detail: string };

/**
 * Lets only operators through, and only from this machine, since the port has no TLS. The token in a header also keeps
 * pages in a browser out: those can send requests to a loopback port, but know no token and may not send the header.
 */
export function refusalOf(request: IncomingMessage, token: string): Refusal | undefined {
  if (!isLoopback(request.socket.remoteAddress ?? '')) {
    return {
      status: 403,
      title: 'Dead letters are for operators on the same machine',
      detail: 'run meshmart dlq where the shop runs',
    };
  }
  const [scheme, given = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() === 'bearer' && isSame(given, token)) return undefined;
  return {
    status: 401,
    title: 'Dead letters are for operators',
    detail: 'meshmart dlq sends the token that is in <data>/secrets/admin-token',
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

/** Equal, in a time that tells nothing. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
