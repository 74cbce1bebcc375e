import { X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import type { CertificateSubject } from './certificate.js';
import { serviceOfCertificate, spiffeIdOf } from './spiffe.js';
import { testAuthority } from './test-certificates.test.js';

describe("a service's name in certificates", () => {
  it('is a SPIFFE id below the trust domain', () => {
    expect(spiffeIdOf('catalog')).to.equal('spiffe://meshmart.local/service/catalog');
  });

  it('is read back as it was written, whatever else stands beside it', () => {
    const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/).filter((name) => name !== 'outside');
    fc.assert(
      fc.property(names, (service) => {
        const text = `DNS:${service}, URI:${spiffeIdOf(service)}, IP Address:127.0.0.1`;
        expect(serviceOfCertificate(text)).to.equal(service);
      }),
    );
  });

  for (const name of ['', 'Order', 'or der', 'order/', '../order', 'order,cart', '1st', 'outside', 'örder']) {
    it(`is never '${name}'`, () => {
      expect(() => spiffeIdOf(name)).to.throw(RangeError);
      expect(serviceOfCertificate(`URI:spiffe://meshmart.local/service/${name}`)).to.equal(undefined);
    });
  }
});

describe('a certificate names no service', () => {
  const authority = testAuthority();
  const id = 'spiffe://meshmart.local/service/order';
  const subjects: Record<string, Omit<CertificateSubject, 'commonName'>> = {
    'without alternative names': {},
    'with the service as a host only': { dnsNames: ['order'] },
    'with the id as a host': { dnsNames: [id] },
    'of another trust domain': { uris: ['spiffe://evil.local/service/order'] },
    'whose trust domain only begins alike': { uris: ['spiffe://meshmart.local.evil/service/order'] },
    'of another kind of workload': { uris: ['spiffe://meshmart.local/person/order'] },
    'with more behind the name': { uris: [`${id}/admin`] },
    'with a query': { uris: [`${id}?x`] },
    'with a service of the front port': { uris: ['spiffe://meshmart.local/service/outside'] },
    'that names two': { uris: [id, 'spiffe://meshmart.local/service/cart'] },
    'that names one twice': { uris: [id, id] },
    'with another scheme': { uris: ['https://meshmart.local/service/order'] },
    'whose host is written so that it reads like a second name': { dnsNames: [`a, URI:${id}, DNS:b`] },
    'with quotes in a host beside a good id': { uris: [id], dnsNames: ['a"b'] },
  };
  for (const [what, subject] of Object.entries(subjects)) {
    it(what, () => {
      const { certificatePem } = authority.identityFor({ commonName: 'order', ...subject });
      expect(serviceOfCertificate(new X509Certificate(certificatePem).subjectAltName)).to.equal(undefined);
    });
  }

  it('when there is none', () => expect(serviceOfCertificate(undefined)).to.equal(undefined));
});
