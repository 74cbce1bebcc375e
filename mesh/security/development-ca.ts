import { join } from 'node:path';
import type { Clock, Random } from '../runtime/ports.js';
import type { CertificateSubject, KeyedCertificate } from './certificate.js';
import { readPrivateFile, writePrivateFile } from './private-file.js';
import { spiffeIdOf } from './spiffe.js';
import { certificateOf, faultOf, hasKey, identityFiles, type Period, periodOf } from './workload-identity.js';

const dayMs = 86_400_000;

/** How long certificates hold. */
export const certificateLifetimes = Object.freeze({
  caMs: 365 * dayMs,
  leafMs: 30 * dayMs,
  /** A leaf that ends sooner than this is made anew: after two thirds of its life. */
  renewBeforeMs: 10 * dayMs,
  /** They hold from a little before now: clocks differ. */
  backdatedMs: 300_000,
});

/** What {@link renewCertificates} needs. */
export interface CertificateFolder {
  /** `<data>/certificates`; made when missing. Whoever calls holds the data folder: nobody else writes here. */
  readonly folder: string;
  /** Folder names of the services that need a certificate. */
  readonly services: readonly string[];
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly random: Pick<Random, 'secretBytes'>;
}

/**
 * The development CA: makes the authority and one certificate per service where they are missing, broken, of another
 * authority, or near their end, and leaves the rest alone. The authority keeps its key when its certificate is renewed,
 * so that old and new certificates trust each other. The library that writes certificates is loaded only when one is
 * made. To be called at the start of a mesh and once a day; processes of the services that it names take their new
 * certificate by themselves, within a minute.
 * @returns the services that got a new certificate.
 * @throws StartupError when a file can't be read or written, or a key is readable by others.
 */
export async function renewCertificates(options: CertificateFolder): Promise<readonly string[]> {
  const nowMs = options.clock.nowMs();
  const ca = readAuthority(options.folder, nowMs);
  const due = options.services.filter(
    (service) => ca === undefined || isDue(options.folder, service, ca.certificatePem, nowMs),
  );
  if (due.length === 0) return [];
  const { issueAuthority, issueLeaf, newKeyPem } = await import('./certificate.js');
  const { caMs, leafMs, backdatedMs } = certificateLifetimes;
  const made = (lifetimeMs: number) => ({
    notBeforeMs: nowMs - backdatedMs,
    notAfterMs: nowMs + lifetimeMs,
    serial: options.random.secretBytes(16),
  });
  const files = authorityFiles(options.folder);
  const authority = ca ?? issueAuthority(authorityKey(options.folder) ?? newKeyPem(), made(caMs));
  if (ca === undefined) {
    writePrivateFile(files.key, authority.keyPem);
    writePrivateFile(files.certificate, authority.certificatePem);
  }
  for (const service of due) {
    const leaf = issueLeaf(authority, subjectOf(service), made(leafMs));
    const paths = identityFiles(options.folder, service);
    writePrivateFile(paths.key, leaf.keyPem);
    writePrivateFile(paths.certificate, leaf.certificatePem);
  }
  return due;
}

/**
 * The URI is the identity, alone in its kind (X509-SVID, section 2). Hosts and addresses are for tools such as grpcurl,
 * which know nothing else.
 */
export function subjectOf(service: string): CertificateSubject {
  return {
    commonName: service,
    uris: [spiffeIdOf(service)],
    dnsNames: [service, 'localhost'],
    ipAddresses: ['127.0.0.1', '::1'],
  };
}

function authorityFiles(folder: string): { readonly certificate: string; readonly key: string } {
  return { certificate: join(folder, 'ca.pem'), key: join(folder, 'ca-key.pem') };
}

/** The authority that is there; undefined when it is not whole, or would end before a leaf that it signs now. */
function readAuthority(folder: string, nowMs: number): KeyedCertificate | undefined {
  const files = authorityFiles(folder);
  const certificatePem = readPrivateFile(files.certificate);
  const keyPem = readPrivateFile(files.key);
  if (certificatePem === undefined || keyPem === undefined) return undefined;
  const certificate = certificateOf(certificatePem);
  if (certificate === undefined || !certificate.ca || !hasKey(certificate, keyPem)) return undefined;
  const { leafMs, renewBeforeMs } = certificateLifetimes;
  return covers(periodOf(certificate), nowMs, leafMs + renewBeforeMs)
    ? { certificatePem, keyPem }
    : undefined;
}

/** The key of the authority whose certificate is to be renewed; undefined when there is none that can be used. */
function authorityKey(folder: string): string | undefined {
  const files = authorityFiles(folder);
  const keyPem = readPrivateFile(files.key);
  const certificate = certificateOf(readPrivateFile(files.certificate) ?? '');
  return keyPem !== undefined && certificate !== undefined && hasKey(certificate, keyPem)
    ? keyPem
    : undefined;
}

function isDue(folder: string, service: string, caPem: string, nowMs: number): boolean {
  const files = identityFiles(folder, service);
  const certificatePem = readPrivateFile(files.certificate);
  const keyPem = readPrivateFile(files.key);
  if (certificatePem === undefined || keyPem === undefined) return true;
  if (faultOf({ certificatePem, keyPem, caPem }, service, nowMs) !== undefined) return true;
  const certificate = certificateOf(certificatePem);
  return (
    certificate === undefined || !covers(periodOf(certificate), nowMs, certificateLifetimes.renewBeforeMs)
  );
}

function covers({ notBeforeMs, notAfterMs }: Period, nowMs: number, comingMs: number): boolean {
  return notBeforeMs <= nowMs && notAfterMs > nowMs + comingMs;
}
