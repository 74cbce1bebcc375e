import { createHmac } from 'node:crypto';
import { invalidField, MeshError } from '../../mesh/contract/error.js';
import { millisOf, timestampOf } from '../../mesh/contract/timestamp.js';
import { type CallContext, type CommandKey, userOf } from '../../mesh/rpc/context.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { answerOnce } from '../../mesh/store/idempotent.js';
import { type Row, StoreConflict } from '../../mesh/store/store.js';
import {
  GetUserResponse,
  RegisterResponse,
  UpdateProfileResponse,
  type User,
  type UsersServiceDefinition,
} from '../../proto/gen/meshmart/users/v1/users.js';
import { UserRegistered, UserUpdated } from '../../proto/gen/meshmart/users/v1/users_events.js';
import { normalEmail } from './email.js';
import type { PasswordHasher } from './password-hasher.js';

type Accounts = Pick<Handlers<typeof UsersServiceDefinition>, 'register' | 'getUser' | 'updateProfile'>;

/** An account's row. */
export interface UserRow extends Row {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly password_hash: string;
  readonly created_at_ms: number;
}

/** Making, reading and renaming accounts. */
export function accountHandlers(ports: ServicePorts, hasher: PasswordHasher): Accounts {
  const { store, clock, ids } = ports;
  const secret = ports.secret('signing-key');
  return {
    register: async (request, context) => {
      const email = normalEmail(request.email);
      const name = nameOf(request.name);
      const taken = await store.query(
        { sql: 'SELECT id FROM users WHERE email = ?', values: [email] },
        context.trace,
      );
      // A repeated command must get its first answer, so only a call without a key is refused before the look at it.
      if (taken.length > 0 && context.command === undefined) throw emailTaken();
      return answerOnce({
        store,
        context: { trace: context.trace, command: withKeyedHash(context.command, secret) },
        codec: RegisterResponse,
        work: async () => {
          if (taken.length > 0) throw emailTaken();
          const passwordHash = await hasher.hash(request.password);
          const user: User = {
            id: ids('usr'),
            email,
            name,
            createdAt: timestampOf(clock.nowMs()),
          };
          return {
            response: { user },
            batch: {
              statements: [
                {
                  sql: 'INSERT INTO users (id, email, name, password_hash, created_at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING',
                  values: [user.id, email, user.name, passwordHash, millisOf(user.createdAt)],
                  changes: 1,
                  guard: 'email',
                },
              ],
              outbox: [
                {
                  type: 'meshmart.users.v1.UserRegistered',
                  key: user.id,
                  data: UserRegistered.encode({
                    userId: user.id,
                    email,
                    name: user.name,
                    occurredAt: user.createdAt,
                  }).finish(),
                },
              ],
              trace: context.trace,
            },
          };
        },
      }).catch((error: unknown) => {
        throw error instanceof StoreConflict && error.subject === 'email' ? emailTaken() : error;
      });
    },

    getUser: async (_request, context) =>
      GetUserResponse.fromPartial({ user: await ownUser(ports, context) }),

    updateProfile: async (request, context) => {
      const user = { ...(await ownUser(ports, context)), name: nameOf(request.name) };
      await store.commit({
        statements: [{ sql: 'UPDATE users SET name = ? WHERE id = ?', values: [user.name, user.id] }],
        outbox: [
          {
            type: 'meshmart.users.v1.UserUpdated',
            key: user.id,
            data: UserUpdated.encode({
              userId: user.id,
              email: user.email,
              name: user.name,
              occurredAt: timestampOf(clock.nowMs()),
            }).finish(),
          },
        ],
        trace: context.trace,
      });
      return UpdateProfileResponse.fromPartial({ user });
    },
  };
}

/** An account as the contract shows it. */
export function userOfRow(row: UserRow): User {
  return { id: row.id, email: row.email, name: row.name, createdAt: timestampOf(Number(row.created_at_ms)) };
}

/**
 * The key of a command whose request holds a password: what is stored to tell another request by is made with a secret,
 * because a plain digest could be guessed at far faster than the password's own hash.
 */
function withKeyedHash(command: CommandKey | undefined, secret: Uint8Array): CommandKey | undefined {
  if (command === undefined) return undefined;
  const keyed = createHmac('sha256', secret).update('register').update(command.requestHash);
  return { ...command, requestHash: keyed.digest() };
}

/** A person's name without the blanks around it. @throws MeshError INVALID_ARGUMENT when nothing is left. */
function nameOf(text: string): string {
  const name = text.trim();
  if (name === '') throw invalidField('name', 'string.blank', 'must hold more than blanks');
  return name;
}

/** The account of the call's token. @throws MeshError NOT_FOUND (USER_NOT_FOUND) when it is gone. */
export async function ownUser(ports: ServicePorts, context: CallContext): Promise<User> {
  const [row] = await ports.store.query<UserRow>(
    { sql: 'SELECT * FROM users WHERE id = ?', values: [userOf(context).id] },
    context.trace,
  );
  if (row !== undefined) return userOfRow(row);
  throw new MeshError({
    code: 'NOT_FOUND',
    reason: 'USER_NOT_FOUND',
    message: 'the account of this token does not exist: register again',
  });
}

function emailTaken(): MeshError {
  return new MeshError({
    code: 'ALREADY_EXISTS',
    reason: 'EMAIL_TAKEN',
    message: 'this e-mail address has an account already: log in, or use another address',
  });
}
