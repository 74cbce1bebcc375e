import { stringify } from 'yaml';
import type { Random } from '../../mesh/runtime/ports.js';
import { signingKeyOf } from '../../mesh/security/token.js';
import type { LoadedShop } from '../../mesh/shape/loaded-shop.js';
import { redisUsersFile } from '../../mesh/shape/servers/redis-users.js';

/** The Secrets of a shop, and the public keys that tokens are checked with. */
export interface ShopSecrets {
  /** YAML for `kubectl apply`. */
  readonly manifests: string;
  /** A JWK set. */
  readonly jwks: string;
}

/**
 * Makes all Secrets of a shop anew: `<service>-secrets` for each service, `redis-users`, `postgres-admin`. Who applies them to a
 * shop that runs changes its passwords and makes stored card numbers unreadable: they are for the first time.
 */
export function shopSecrets(shop: LoadedShop, random: Random): ShopSecrets {
  const passwords = new Map(shop.manifests.map(({ name }) => [name, passwordOf(random)]));
  let jwks = '';
  const services = shop.manifests.map(({ name, secrets }) => {
    const own = Object.entries(secrets).map(([secret, { bytes }]) => {
      const value = random.secretBytes(bytes);
      if (secret === 'signing-key') jwks = JSON.stringify({ keys: [signingKeyOf(value).publicKey] });
      return [`${name}-${secret}`, base64(value)] as const;
    });
    return secretOf(`${name}-secrets`, {
      ...Object.fromEntries(own),
      [`${name}-postgres`]: base64(random.secretBytes(32)),
      'redis-password': base64(Buffer.from(passwords.get(name) ?? '')),
    });
  });
  const operatorPassword = passwordOf(random);
  const users = redisUsersFile({
    manifests: shop.manifests,
    bus: 'redis',
    passwordOf: (user) => passwords.get(user) ?? operatorPassword,
  });
  const servers = [
    secretOf('redis-users', {
      'users.acl': base64(Buffer.from(users)),
      // For people: nothing mounts it.
      'operator-password': base64(Buffer.from(operatorPassword)),
    }),
    secretOf('postgres-admin', { password: base64(Buffer.from(passwordOf(random))) }),
  ];
  return {
    manifests: [...services, ...servers].map((one) => `---\n${stringify(one, { lineWidth: 0 })}`).join(''),
    jwks,
  };
}

function secretOf(name: string, data: Readonly<Record<string, string>>): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels: { 'app.kubernetes.io/part-of': 'meshmart' } },
    type: 'Opaque',
    data,
  };
}

/** Letters and digits that hold 32 bytes. */
function passwordOf(random: Random): string {
  return Buffer.from(random.secretBytes(32)).toString('base64url');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
