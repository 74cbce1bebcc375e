import { MeshError } from '../../mesh/contract/error.js';
import { timestampOf } from '../../mesh/contract/timestamp.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { signingKeyOf, signToken } from '../../mesh/security/token.js';
import type { UsersServiceDefinition } from '../../proto/gen/meshmart/users/v1/users.js';
import { type UserRow, userOfRow } from './accounts.js';
import { normalEmail } from './email.js';
import type { LoginThrottle } from './login-throttle.js';
import type { PasswordHasher } from './password-hasher.js';
import type { UsersSettings } from './settings.js';

type Sessions = Pick<
  Handlers<typeof UsersServiceDefinition>,
  'authenticate' | 'createGuestSession' | 'listSigningKeys'
>;

/** What a user's token allows, and what a guest's does. */
const userScopes = ['profile', 'cart', 'orders', 'payment'] as const;
const guestScopes = ['cart'] as const;

/** Tokens for users and guests, and the keys that verify them. */
export function sessionHandlers(
  ports: ServicePorts,
  hasher: PasswordHasher,
  throttle: LoginThrottle,
  settings: Pick<UsersSettings, 'tokenLifetimeMs' | 'guestLifetimeMs'>,
): Sessions {
  const { store, clock, ids } = ports;
  const key = signingKeyOf(ports.secret('signing-key'));
  const { tokenLifetimeMs, guestLifetimeMs } = settings;

  return {
    authenticate: async (request, context) => {
      const email = normalEmail(request.email);
      refuseWhileClosed(throttle, email);
      const [row] = await store.query<UserRow>(
        { sql: 'SELECT * FROM users WHERE email = ?', values: [email] },
        context.trace,
      );
      // For an unknown address the answer takes as long as for a known one.
      const matches = await hasher.matches(request.password, row?.password_hash ?? hasher.nobodys);
      // Again, because tries that came at once all passed the first look: the eleventh must not learn anything.
      refuseWhileClosed(throttle, email);
      if (row === undefined || !matches) {
        throttle.failed(email);
        throw new MeshError({
          code: 'UNAUTHENTICATED',
          reason: 'WRONG_CREDENTIALS',
          message: 'e-mail address and password do not belong together: check both',
        });
      }
      throttle.succeeded(email);
      const now = clock.nowMs();
      return {
        token: signToken(
          { subject: row.id, kind: 'user', scopes: userScopes, jti: ids('jti') },
          key,
          now,
          tokenLifetimeMs,
        ),
        expiresAt: timestampOf(now + tokenLifetimeMs),
        user: userOfRow(row),
      };
    },

    createGuestSession: async () => {
      const now = clock.nowMs();
      const guestId = ids('guest');
      return {
        token: signToken(
          { subject: guestId, kind: 'guest', scopes: guestScopes, jti: ids('jti') },
          key,
          now,
          guestLifetimeMs,
        ),
        expiresAt: timestampOf(now + guestLifetimeMs),
        guestId,
      };
    },

    listSigningKeys: async () => ({ keys: [key.publicKey] }),
  };
}

/** @throws MeshError RESOURCE_EXHAUSTED (RATE_LIMITED) while the account is closed. */
function refuseWhileClosed(throttle: LoginThrottle, email: string): void {
  const waitMs = throttle.waitMs(email);
  if (waitMs === 0) return;
  throw new MeshError({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'RATE_LIMITED',
    message: `too many wrong passwords for this account: wait ${Math.ceil(waitMs / 1_000)} s`,
    metadata: { retryAfterMs: String(waitMs) },
  });
}
