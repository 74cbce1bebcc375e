import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { machineAmbient } from '../../mesh/runtime/ambient.js';
import { signingKeyOf, signToken, verifyToken } from '../../mesh/security/token.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { shopSecrets } from './shop-secrets.js';

interface Secret {
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
}

const shop = loadShop();
const { random } = machineAmbient();
const made = shopSecrets(shop, random);
const dataOf = (manifests: string) =>
  new Map(
    parseAllDocuments(manifests).map((document) => {
      const { metadata, data } = document.toJS() as Secret;
      return [metadata.name, data] as const;
    }),
  );
const secrets = new Map(
  [...dataOf(made.manifests)].map(([name, data]) => [
    name,
    Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64')])),
  ]),
);

describe('the Secrets of a shop', () => {
  it('are one for each service with what its manifest declares, in files of the names that it looks for', () => {
    for (const { name, secrets: declared } of shop.manifests) {
      const data = secrets.get(`${name}-secrets`) ?? {};
      const own = Object.keys(declared).map((secret) => `${name}-${secret}`);
      expect(Object.keys(data)).to.have.members([...own, `${name}-postgres`, 'redis-password']);
      for (const [secret, { bytes }] of Object.entries(declared))
        expect(data[`${name}-${secret}`]?.length).to.equal(bytes);
    }
  });

  it("give Redis' users the passwords that the services have", () => {
    const acl = String(secrets.get('redis-users')?.['users.acl']);
    for (const { name } of shop.manifests) {
      const password = secrets.get(`${name}-secrets`)?.['redis-password'] ?? '';
      expect(acl).to.include(`user ${name} on #${createHash('sha256').update(password).digest('hex')} `);
    }
  });

  it('come with public keys that check what the private one signs', () => {
    const seed = secrets.get('users-secrets')?.['users-signing-key'] ?? Buffer.alloc(0);
    const claims = { subject: 'usr_1', kind: 'user', scopes: ['cart'], jti: 'jti_1' } as const;
    const token = signToken(claims, signingKeyOf(seed), 0, 60_000);
    expect(verifyToken(token, JSON.parse(made.jwks).keys, 1_000).user).to.include({ id: 'usr_1' });
  });

  it('are others each time', () => {
    expect(shopSecrets(shop, random).manifests).to.not.equal(made.manifests);
  });

  it('that are there stay as they are', () => {
    expect(shopSecrets(shop, random, dataOf(made.manifests))).to.deep.equal(made);
  });

  it('that are there stay when one is lost, or a service new, and Redis knows the new password', () => {
    const there = new Map([...dataOf(made.manifests)].filter(([name]) => name !== 'cart-secrets'));
    const again = dataOf(shopSecrets(shop, random, there).manifests);
    for (const [name, data] of there) if (name !== 'redis-users') expect(again.get(name)).to.deep.equal(data);
    const password = Buffer.from(again.get('cart-secrets')?.['redis-password'] ?? '', 'base64');
    expect(password).to.not.deep.equal(secrets.get('cart-secrets')?.['redis-password']);
    const acl = String(Buffer.from(again.get('redis-users')?.['users.acl'] ?? '', 'base64'));
    expect(acl).to.include(`user cart on #${createHash('sha256').update(password).digest('hex')} `);
  });
});
