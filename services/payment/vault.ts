import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Random } from '../../mesh/runtime/ports.js';

/** Keeps card numbers unreadable at rest. */
export interface Vault {
  /** Encrypts a number; it can be read only together with its token. */
  seal(cardNumber: string, token: string): Uint8Array;
  /** @throws Error when the bytes were changed, or belong to another token. */
  open(sealed: Uint8Array, token: string): string;
  /**
   * A digest that can't be undone without the vault's key. The plain hash of a request with a card number could be: there are
   * only about 10^9 numbers behind the first six and last four digits.
   */
  digest(bytes: Uint8Array): Uint8Array;
}

const nonceLength = 12;
const tagLength = 16;

/** AES-256-GCM with a random nonce; the token is authenticated with the number, so that rows can't be swapped. */
export function createVault(key: Uint8Array, random: Random): Vault {
  return {
    seal: (cardNumber, token) => {
      const nonce = random.secretBytes(nonceLength);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(token));
      const sealed = Buffer.concat([cipher.update(cardNumber, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },
    open: (sealed, token) => {
      const bytes = Buffer.from(sealed);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceLength), {
        authTagLength: tagLength,
      });
      decipher.setAAD(Buffer.from(token)).setAuthTag(bytes.subarray(nonceLength, nonceLength + tagLength));
      return Buffer.concat([
        decipher.update(bytes.subarray(nonceLength + tagLength)),
        decipher.final(),
      ]).toString('utf8');
    },
    digest: (bytes) => createHmac('sha256', key).update(bytes).digest(),
  };
}
