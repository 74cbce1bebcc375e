import { randomBytes } from 'node:crypto';
import { type CertificateSubject, issueAuthority, issueLeaf, newKeyPem } from './certificate.js';
import { subjectOf } from './development-ca.js';
import type { Period, WorkloadIdentity } from './workload-identity.js';

/** An authority for tests of one file, that signs what it is asked to. */
export interface TestAuthority {
  /** The identity of a service as the development CA makes it; good for an hour unless a period is given. */
  identityOf(service: string, period?: Period): WorkloadIdentity;
  /** A certificate for anybody. */
  identityFor(subject: CertificateSubject, period?: Period): WorkloadIdentity;
}

export function testAuthority(): TestAuthority {
  const nowMs = Date.now();
  const anHour: Period = { notBeforeMs: nowMs - 60_000, notAfterMs: nowMs + 3_600_000 };
  const serial = () => randomBytes(16);
  const authority = issueAuthority(newKeyPem(), { ...anHour, serial: serial() });
  const identityFor = (subject: CertificateSubject, period = anHour): WorkloadIdentity => ({
    ...issueLeaf(authority, subject, { ...period, serial: serial() }),
    caPem: authority.certificatePem,
  });
  return { identityFor, identityOf: (service, period) => identityFor(subjectOf(service), period) };
}
