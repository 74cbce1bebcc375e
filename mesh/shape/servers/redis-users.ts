import { createHash } from 'node:crypto';
import type { SharedBus } from '../../bus/shared-bus.js';
import type { Manifest } from '../../runtime/manifest.js';

/** The user for people: everything, by the password in `<data>/secrets/redis-operator`. */
export const operatorUser = 'operator';

/** What the users of Redis follow from. */
export interface RedisUsersOptions {
  readonly manifests: readonly Manifest[];
  /** Without Redis as the bus nobody needs what belongs to it. */
  readonly bus: SharedBus;
  /** A user's password. */
  readonly passwordOf: (user: string) => string;
}

/** Services that have a user in Redis. */
export function redisUserNames({ manifests, bus }: Pick<RedisUsersOptions, 'manifests' | 'bus'>): string[] {
  // A service without its own use of the bus opens it all the same.
  return manifests
    .filter(({ backends }) => bus === 'redis' || backends.includes('redis'))
    .map(({ name }) => name);
}

/**
 * The text of an ACL file: one user a service, which may do with its own keys what its code does and nothing else, and of
 * other services' streams only hear (https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/). The
 * user of connections without a name is off. Passwords are in it as SHA-256. Needs Redis 7, for rules that
 * join commands with keys.
 */
export function redisUsersFile(options: RedisUsersOptions): string {
  const { manifests, bus, passwordOf } = options;
  const hashed = (user: string) => createHash('sha256').update(passwordOf(user)).digest('hex');
  const names = redisUserNames(options);
  const users = manifests
    .filter(({ name }) => names.includes(name))
    .map((manifest) => `user ${manifest.name} on #${hashed(manifest.name)} ${redisRulesOf(manifest, bus)}`);
  return [
    // Off, so nobody can be it; but Redis reads its own file as this user, and leaves out every transaction that it may not do
    // (7.0: execCommand asks for the rights of the client that loads): events that were acknowledged would be gone.
    'user default off resetpass ~* &* +@all',
    `user ${operatorUser} on #${hashed(operatorUser)} ~* &* +@all`,
    ...users,
    '',
  ].join('\n');
}

/** What a connection does before it does anything for anybody. */
const always = ['ping', 'info', 'client|setname'];

/** What the user of a service may do, as the end of a line of an ACL file. */
export function redisRulesOf(manifest: Manifest, bus: SharedBus): string {
  const { name, backends, publishes, consumes } = manifest;
  const keys: string[] = [];
  const commands = new Set(always);
  const allow = (itsKeys: readonly string[], itsCommands: readonly string[]) => {
    keys.push(...itsKeys);
    for (const command of itsCommands) commands.add(command);
  };
  if (backends.includes('redis')) {
    allow(
      [`meshmart:{${name}}:*`, `meshmart:bucket:${name}:*`],
      [
        'eval',
        'evalsha',
        'time',
        'get',
        'set',
        'del',
        'exists',
        'hget',
        'hmget',
        'hset',
        'pexpire',
        'persist',
      ],
    );
  }
  const topics = Object.keys(consumes);
  const selectors: string[] = [];
  if (bus === 'redis') {
    allow(['meshmart:bus:dead:probe'], ['set']);
    if (publishes.length > 0) {
      allow(
        [`meshmart:bus:topic:${name}`, `meshmart:bus:seen:${name}-*`],
        ['eval', 'set', 'xadd', 'xtrim', 'xinfo|groups', 'xpending'],
      );
    }
    if (topics.length > 0) {
      const own = ['lease', 'topics', 'replay', 'dead'].map((kind) => `meshmart:bus:${kind}:${name}`);
      allow(own, [
        'eval',
        'multi',
        'exec',
        'get',
        'set',
        'del',
        'sadd',
        'smembers',
        'xadd',
        'xdel',
        'xrange',
        'xlen',
      ]);
      const read = [...topics.map((topic) => `meshmart:bus:topic:${topic}`), `meshmart:bus:replay:${name}`];
      selectors.push(
        `(${[
          ...read.map((key) => `~${key}`),
          ...['xreadgroup', 'xack', 'xautoclaim', 'xgroup|create', 'xinfo|groups', 'xrange', 'xlen'].map(
            (command) => `+${command}`,
          ),
        ].join(' ')})`,
      );
    }
  }
  return [
    'resetchannels',
    ...keys.map((key) => `~${key}`),
    '-@all',
    ...[...commands].map((command) => `+${command}`),
    ...selectors,
  ].join(' ');
}
