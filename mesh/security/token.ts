import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { MeshError } from '../contract/error.js';
import type { User } from '../rpc/context.js';

/**
 * Tokens as JWS in compact form, EdDSA over Ed25519 (RFC 8037), with what RFC 8725 asks for: the algorithm comes from the
 * key and never from the token, issuer, audience and type are checked, and keys are chosen only from our own set.
 */
export const issuer = 'meshmart';
export const audience = 'meshmart';
const tokenType = 'at+jwt';
const maxTokenLength = 4_096;
/** How far clocks of two machines may be apart. */
const leewayMs = 30_000;

/** A private key with the id that its tokens name. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: Jwk;
}

/** A public key as a JWK set has it. */
export interface Jwk {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly kid: string;
  readonly use: string;
  readonly alg: string;
}

/** What a token says. */
export interface TokenClaims {
  /** `usr_...`, `guest_...` or `operator`. */
  readonly subject: string;
  readonly kind: User['kind'];
  readonly scopes: readonly string[];
  /** Unique id of the token. */
  readonly jti: string;
}

/** PKCS #8 wrapping of a 32-byte Ed25519 seed (RFC 8410, section 7). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The signing key of a 32-byte seed. Its id is derived from the public key, so the same seed has the same id. */
export function signingKeyOf(seed: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const x = createPublicKey(privateKey).export({ format: 'jwk' })['x'] ?? '';
  const kid = createHash('sha256').update(x).digest('base64url').slice(0, 16);
  return { kid, privateKey, publicKey: { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' } };
}

/** Makes a token that holds from `nowMs` for `lifetimeMs` milliseconds. */
export function signToken(claims: TokenClaims, key: SigningKey, nowMs: number, lifetimeMs: number): string {
  const header = { alg: 'EdDSA', typ: tokenType, kid: key.kid };
  const issuedAt = Math.floor(nowMs / 1_000);
  const payload = {
    iss: issuer,
    aud: audience,
    sub: claims.subject,
    kind: claims.kind,
    scope: claims.scopes.join(' '),
    jti: claims.jti,
    iat: issuedAt,
    nbf: issuedAt,
    exp: Math.floor((nowMs + lifetimeMs) / 1_000),
  };
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key.privateKey).toString('base64url')}`;
}

/** A token that was found good. */
export interface VerifiedToken {
  readonly user: User;
  /** When it stops to hold, milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** The id of the key that a token names, or undefined when it is not a token at all. Not trusted until verified. */
export function keyIdOf(token: string): string | undefined {
  const header = decode(token.slice(0, maxTokenLength).split('.')[0] ?? '');
  const kid = header?.['kid'];
  return typeof kid === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(kid) ? kid : undefined;
}

/**
 * Verifies a token against a set of keys.
 * @throws MeshError UNAUTHENTICATED: TOKEN_EXPIRED when only its time is over, else TOKEN_INVALID, which never says why.
 */
export function verifyToken(token: string, keys: readonly Jwk[], nowMs: number): VerifiedToken {
  const parts = token.split('.');
  const [headerPart = '', payloadPart = '', signaturePart = ''] = parts;
  if (token.length > maxTokenLength || parts.length !== 3) throw invalidToken();
  const header = decode(headerPart);
  const key = keys.find((candidate) => candidate.kid === header?.['kid']);
  if (header === undefined || key === undefined || header['alg'] !== 'EdDSA' || header['typ'] !== tokenType)
    throw invalidToken();
  const publicKey = publicKeyOf(key);
  const signature = Buffer.from(signaturePart, 'base64url');
  if (
    publicKey === undefined ||
    signature.length !== 64 ||
    !verify(null, Buffer.from(`${headerPart}.${payloadPart}`), publicKey, signature)
  ) {
    throw invalidToken();
  }
  return checkClaims(decode(payloadPart) ?? {}, nowMs);
}

/** Keys that were imported: that takes as long as two verifications. */
const imported = new WeakMap<Jwk, KeyObject>();

/** The key itself; none for one that is broken or not Ed25519: a set that was fetched is input like any other. */
function publicKeyOf(jwk: Jwk): KeyObject | undefined {
  const known = imported.get(jwk);
  if (known !== undefined) return known;
  const { kty, crv, x } = jwk;
  if (kty !== 'OKP' || crv !== 'Ed25519') return undefined;
  try {
    const key = createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
    imported.set(jwk, key);
    return key;
  } catch {
    return undefined;
  }
}

function checkClaims(claims: Record<string, unknown>, nowMs: number): VerifiedToken {
  const { sub, kind, scope, exp, nbf } = claims;
  const known = kind === 'user' || kind === 'guest' || kind === 'operator';
  if (
    claims['iss'] !== issuer ||
    claims['aud'] !== audience ||
    typeof sub !== 'string' ||
    sub === '' ||
    !known ||
    typeof scope !== 'string' ||
    typeof exp !== 'number' ||
    typeof nbf !== 'number' ||
    nbf * 1_000 > nowMs + leewayMs
  ) {
    throw invalidToken();
  }
  if (exp * 1_000 <= nowMs) {
    throw new MeshError({
      code: 'UNAUTHENTICATED',
      reason: 'TOKEN_EXPIRED',
      message: 'the token has expired: log in again',
    });
  }
  return { user: { id: sub, kind, scopes: scope.split(' ').filter(Boolean) }, expiresAtMs: exp * 1_000 };
}

function invalidToken(): MeshError {
  return new MeshError({
    code: 'UNAUTHENTICATED',
    reason: 'TOKEN_INVALID',
    message: 'the token is not one of this shop: log in again',
  });
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
