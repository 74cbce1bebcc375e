import type { IncomingHttpHeaders } from 'node:http';
import { MeshError } from '../../mesh/contract/error.js';
import type { MethodPolicy } from '../../mesh/contract/policy.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { EdgePorts } from '../../mesh/runtime/edge.js';
import { CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { UsersServiceDefinition } from '../../proto/gen/meshmart/users/v1/users.js';

export const guestCookie = 'meshmart_guest';
export const guestHeader = 'x-guest-token';

/** Who a request comes from, as far as its headers say. */
export interface Credentials {
  /** The token to send on: a user's, else a guest's. */
  readonly token: string | undefined;
  /** True when there is an authorization header, even a malformed one: who sends it means to be somebody. */
  readonly authorized: boolean;
  /** The guest's token, whether or not it is the one to send on. */
  readonly guestToken: string | undefined;
  /** True when the token came in a cookie, which browsers send by themselves. */
  readonly byCookie: boolean;
}

/** The token of `Bearer TOKEN`. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}

/** Reads authorization, `x-guest-token` and the guest cookie; authorization wins over both. */
export function credentialsOf(headers: IncomingHttpHeaders): Credentials {
  const authorized = headers.authorization !== undefined;
  const header = headers[guestHeader];
  const cookie = headers.cookie
    ?.split(/; */)
    .find((part) => part.startsWith(`${guestCookie}=`))
    ?.slice(guestCookie.length + 1);
  const guestToken = typeof header === 'string' ? header : cookie;
  return {
    token: authorized ? bearerOf(headers.authorization) : guestToken,
    authorized,
    guestToken,
    byCookie: !authorized && typeof header !== 'string' && cookie !== undefined,
  };
}

/** The id behind a token, for rate limits; undefined for none or a bad one, which the service will refuse itself. */
export async function userIdOf(ports: EdgePorts, token: string | undefined): Promise<string | undefined> {
  if (token === undefined) return undefined;
  return ports.verifyToken(token).then(
    (user) => user.id,
    () => undefined,
  );
}

/**
 * The credentials without a cookie that is no good guest's token. A browser sends its cookie by itself and no page can
 * take it away, so refusing it would shut its owner out of everything, login included. In `x-guest-token` a client says
 * it on purpose: there a bad token is refused, by the service, and one of another kind here.
 * @returns the same object when there is nothing to forget.
 * @throws MeshError UNAUTHENTICATED (TOKEN_INVALID) for a token in `x-guest-token` that is not a guest's.
 */
export async function withGoodGuest(ports: EdgePorts, credentials: Credentials): Promise<Credentials> {
  const { authorized, guestToken, byCookie } = credentials;
  if (authorized || guestToken === undefined) return credentials;
  const kind = await ports.verifyToken(guestToken).then(
    (user) => user.kind,
    (error: unknown) => (MeshError.from(error).code === 'UNAUTHENTICATED' ? 'nobody' : 'unknown'),
  );
  if (kind === 'guest' || kind === 'unknown') return credentials;
  if (byCookie) return { token: undefined, authorized, guestToken: undefined, byCookie: false };
  if (kind === 'nobody') return credentials;
  throw new MeshError({
    code: 'UNAUTHENTICATED',
    reason: 'TOKEN_INVALID',
    message: `${guestHeader} is not a guest's token: send others as authorization: Bearer`,
  });
}

/** Whether somebody without any token gets a guest's: for a cart, and for nothing else. */
export function wantsGuest(method: MethodPolicy, credentials: Credentials): boolean {
  const { authorized, token } = credentials;
  return method.exposure === 'user' && method.scope === 'cart' && !authorized && token === undefined;
}

/** A new guest's token. */
export async function newGuest(ports: EdgePorts, context: CallContext): Promise<string> {
  const session = await ports.client(UsersServiceDefinition).createGuestSession({}, context);
  return session.token;
}

/**
 * Moves a guest's cart to the user who has just logged in. True when it is moved, so that the guest's token can be
 * forgotten; a failure leaves it as it is, for the next login.
 */
export async function mergeGuestCart(
  ports: EdgePorts,
  context: CallContext,
  guestToken: string,
  userToken: string,
): Promise<boolean> {
  try {
    await ports.client(CartServiceDefinition).mergeCart({ guestToken }, context, { userToken });
    return true;
  } catch (error) {
    const failure = MeshError.from(error);
    ports.log.warn(
      { code: failure.code, reason: failure.reason },
      "a guest's cart could not be merged at login",
    );
    // A token that is no guest's, or has expired, leads to no cart that could be merged later.
    return failure.code === 'UNAUTHENTICATED';
  }
}

/** The Set-Cookie line that gives a guest's token, or takes it away. */
export function guestCookieLine(token: string | undefined): string {
  const attributes = 'Path=/; HttpOnly; SameSite=Lax';
  return token === undefined
    ? `${guestCookie}=; Max-Age=0; ${attributes}`
    : `${guestCookie}=${token}; Max-Age=2592000; ${attributes}`;
}

/**
 * Refuses a change that another site makes with the visitor's cookie.
 * @throws MeshError PERMISSION_DENIED.
 */
export function refuseCrossSite(
  headers: IncomingHttpHeaders,
  method: string,
  credentials: Credentials,
): void {
  if (!credentials.byCookie || method === 'GET' || method === 'HEAD') return;
  const site = headers['sec-fetch-site'];
  const origin = headers.origin;
  const sameOrigin =
    site === undefined
      ? origin === undefined || hostOf(origin) === headers.host
      : site === 'same-origin' || site === 'none';
  if (sameOrigin) return;
  throw new MeshError({
    code: 'PERMISSION_DENIED',
    reason: 'SCOPE_MISSING',
    message:
      'another site sent this request with the cookie of this one: send x-guest-token or authorization instead',
  });
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
