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

/** What a Secret holds: Base64 by key. */
export type SecretData = Readonly<Record<string, string>>;

/**
 * Makes all Secrets of a shop: `<service>-secrets` for each service, `redis-users`, `postgres-admin`. What is there already stays
 * as it is, by Secret and key: another password would shut services out of the databases that they have, and another vault key
 * make stored cards unreadable.
 * @param existing by name of the Secret. Default: none.
 */
export function shopSecrets(
  shop: LoadedShop,
  random: Random,
  existing: ReadonlyMap<string, SecretData> = new Map(),
): ShopSecrets {
  const kept = (secret: string, key: string, make: () => Uint8Array): Uint8Array => {
    const text = existing.get(secret)?.[key];
    return text === undefined ? make() : Buffer.from(text, 'base64');
  };
  const password = (secret: string, key: string) => kept(secret, key, () => passwordOf(random));
  const passwords = new Map(
    shop.manifests.map(({ name }) => [name, password(`${name}-secrets`, 'redis-password')]),
  );
  let jwks = '';
  const services = shop.manifests.map(({ name, secrets }) => {
    const ofService = `${name}-secrets`;
    const own = Object.entries(secrets).map(([secret, { bytes }]) => {
      const value = kept(ofService, `${name}-${secret}`, () => random.secretBytes(bytes));
      if (secret === 'signing-key') jwks = JSON.stringify({ keys: [signingKeyOf(value).publicKey] });
      return [`${name}-${secret}`, base64(value)] as const;
    });
    const postgres = `${name}-postgres`;
    return secretOf(ofService, {
      ...Object.fromEntries(own),
      [postgres]: base64(kept(ofService, postgres, () => random.secretBytes(32))),
      'redis-password': base64(passwords.get(name) ?? Buffer.alloc(0)),
    });
  });
  const operatorPassword = password('redis-users', 'operator-password');
  const users = redisUsersFile({
    manifests: shop.manifests,
    bus: 'redis',
    passwordOf: (user) => Buffer.from(passwords.get(user) ?? operatorPassword).toString(),
  });
  const servers = [
    secretOf('redis-users', {
      'users.acl': base64(Buffer.from(users)),
      // For people: nothing mounts it.
      'operator-password': base64(operatorPassword),
    }),
    secretOf('postgres-admin', { password: base64(password('postgres-admin', 'password')) }),
  ];
  return {
    manifests: [...services, ...servers].map((one) => `---\n${stringify(one, { lineWidth: 0 })}`).join(''),
    jwks,
  };
}

function secretOf(name: string, data: SecretData): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels: { 'app.kubernetes.io/part-of': 'meshmart' } },
    type: 'Opaque',
    data,
  };
}

/** Letters and digits that hold 32 bytes. */
function passwordOf(random: Random): Uint8Array {
  return Buffer.from(Buffer.from(random.secretBytes(32)).toString('base64url'));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
