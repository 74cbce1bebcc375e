import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../runtime/ports.js';
import { StartupError } from '../runtime/startup-error.js';
import { readPrivateFile } from './private-file.js';
import { serviceOfCertificate } from './spiffe.js';

/** What a process proves with who it is, and by which it knows others. All PEM. */
export interface WorkloadIdentity {
  /** Its certificate, whose URI is `spiffe://meshmart.local/service/<service>`. */
  readonly certificatePem: string;
  /** The private key of that certificate. */
  readonly keyPem: string;
  /** The authority that signs the certificates of all services. */
  readonly caPem: string;
}

/** From when until when a certificate holds, in milliseconds since the epoch. */
export interface Period {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Paths of the PEM files of a service in a folder of certificates; `curl`, `grpcurl` and `openssl` take them as they are. */
export function identityFiles(
  folder: string,
  service: string,
): { readonly certificate: string; readonly key: string; readonly ca: string } {
  return {
    certificate: join(folder, `${service}.pem`),
    key: join(folder, `${service}-key.pem`),
    ca: join(folder, 'ca.pem'),
  };
}

/**
 * Reads the identity of a service as it is now.
 * @param folder `<data>/certificates`
 * @throws StartupError when a file is missing, is readable by others, or is not what the service can show now.
 */
export function readIdentity(folder: string, service: string, clock: Pick<Clock, 'nowMs'>): WorkloadIdentity {
  const files = identityFiles(folder, service);
  const read = (path: string) => {
    const text = readPrivateFile(path);
    if (text !== undefined) return text;
    throw new StartupError(`${path} is missing`, 'start the mesh with meshmart up, which makes it');
  };
  const identity: WorkloadIdentity = {
    certificatePem: read(files.certificate),
    keyPem: read(files.key),
    caPem: read(files.ca),
  };
  const fault = faultOf(identity, service, clock.nowMs());
  if (fault === undefined) return identity;
  throw new StartupError(`${files.certificate} ${fault}`, 'delete it, and meshmart up makes it anew');
}

/**
 * What keeps an identity from being that of a service at a moment, as the end of a sentence; undefined when it is good.
 * @param service folder name.
 */
export function faultOf(identity: WorkloadIdentity, service: string, nowMs: number): string | undefined {
  const certificate = certificateOf(identity.certificatePem);
  const ca = certificateOf(identity.caPem);
  if (certificate === undefined) return 'is no certificate';
  if (ca === undefined) return 'has no authority: ca.pem is no certificate';
  if (serviceOfCertificate(certificate.subjectAltName) !== service) return `is not that of ${service}`;
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) return 'is not signed by ca.pem';
  if (!hasKey(certificate, identity.keyPem)) return 'does not belong to its key';
  const { notBeforeMs, notAfterMs } = periodOf(certificate);
  if (nowMs < notBeforeMs) return `holds from ${certificate.validFrom} only`;
  if (nowMs >= Math.min(notAfterMs, periodOf(ca).notAfterMs)) return `has expired at ${certificate.validTo}`;
  return undefined;
}

/** The first certificate of a PEM text, or undefined when there is none. */
export function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

export function periodOf(certificate: X509Certificate): Period {
  return { notBeforeMs: Date.parse(certificate.validFrom), notAfterMs: Date.parse(certificate.validTo) };
}

/** True when the private key is the certificate's. */
export function hasKey(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}
