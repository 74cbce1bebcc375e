import { createHash, createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import type { Period } from './workload-identity.js';

/** A certificate and the private key that belongs to it, both PEM. */
export interface KeyedCertificate {
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly keyPem: string;
}

/** What all certificates of the shop are made with. */
export interface CertificateOptions extends Period {
  /** 16 random bytes, so that no two certificates of an issuer have the same number. */
  readonly serial: Uint8Array;
}

/** Whose certificate it is. */
export interface CertificateSubject {
  readonly commonName: string;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
const commonNameType = '2.5.4.3';
const authorityName = 'Meshmart development CA';

/** An ECDSA key on P-256, as PKCS #8 in PEM. */
export function newKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/**
 * A certificate authority that signs itself and may sign leaves, but no further authorities. Made again with the same
 * key it is the same authority: what it signed before still holds.
 */
export function issueAuthority(keyPem: string, options: CertificateOptions): KeyedCertificate {
  const subject = nameOf(authorityName);
  const certificatePem = signed(subject, keyPem, keyPem, subject, options, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
  ]);
  return { certificatePem, keyPem };
}

/** A certificate for both ends of mTLS (RFC 5280), with a key of its own. */
export function issueLeaf(
  authority: KeyedCertificate,
  subject: CertificateSubject,
  options: CertificateOptions,
): KeyedCertificate {
  const { commonName, uris = [], dnsNames = [], ipAddresses = [] } = subject;
  const names = [
    ...uris.map((uniformResourceIdentifier) => new GeneralName({ uniformResourceIdentifier })),
    ...dnsNames.map((dNSName) => new GeneralName({ dNSName })),
    ...ipAddresses.map((iPAddress) => new GeneralName({ iPAddress })),
  ];
  const keyPem = newKeyPem();
  const issuer = nameOf(authorityName);
  const certificatePem = signed(nameOf(commonName), keyPem, authority.keyPem, issuer, options, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth])),
    ...(names.length === 0 ? [] : [extension(id_ce_subjectAltName, new SubjectAlternativeName(names))]),
  ]);
  return { certificatePem, keyPem };
}

function signed(
  subject: Name,
  keyPem: string,
  issuerKeyPem: string,
  issuer: Name,
  { notBeforeMs, notAfterMs, serial }: CertificateOptions,
  extensions: readonly Extension[],
): string {
  const algorithm = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 });
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: bufferOf(positive(serial)),
    signature: algorithm,
    issuer,
    validity: new Validity({ notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) }),
    subject,
    subjectPublicKeyInfo: AsnConvert.parse(publicKeyOf(keyPem), SubjectPublicKeyInfo),
    extensions: new Extensions([
      ...extensions,
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdOf(keyPem))),
      extension(
        id_ce_authorityKeyIdentifier,
        new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdOf(issuerKeyPem)) }),
      ),
    ]),
  });
  const signatureValue = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), issuerKeyPem);
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: bufferOf(signatureValue),
  });
  return new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))).toString();
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function nameOf(text: string): Name {
  const value = new AttributeValue({ utf8String: text });
  return new Name([
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type: commonNameType, value })]),
  ]);
}

function publicKeyOf(keyPem: string): Buffer {
  return createPublicKey(keyPem).export({ type: 'spki', format: 'der' });
}

/** RFC 5280 wants any method that gives different keys different ids; this one hashes the whole public key. */
function keyIdOf(keyPem: string): Uint8Array {
  return createHash('sha256').update(publicKeyOf(keyPem)).digest().subarray(0, 20);
}

/** A serial number is a positive integer: the first bit is its sign, and its first byte must not be empty. */
function positive(serial: Uint8Array): Uint8Array {
  const [first = 0, ...rest] = serial;
  return Uint8Array.of((first & 0x3f) | 0x40, ...rest);
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
