import { X509Certificate } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { StartupError } from '../runtime/startup-error.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { certificateLifetimes, renewCertificates } from './development-ca.js';
import { readIdentity } from './workload-identity.js';

const services = ['catalog', 'cart'];
const dayMs = 86_400_000;
const { caMs, leafMs, renewBeforeMs } = certificateLifetimes;

describe('the development CA', () => {
  const temporary = temporaryFolder();
  after(() => temporary.remove());
  let count = 0;

  const setup = () => {
    count += 1;
    const folder = join(temporary.path, String(count), 'certificates');
    const clock = virtualClock({ seed: count });
    const renew = (names = services) => renewCertificates({ folder, services: names, ...clock });
    const text = (file: string) => readFileSync(join(folder, file), 'utf8');
    const all = () => Object.fromEntries(readdirSync(folder).map((file) => [file, text(file)]));
    const certificate = (file: string) => new X509Certificate(text(file));
    return { folder, ...clock, renew, text, all, certificate };
  };

  it('makes an authority and a certificate for each service, readable by their owner alone', async () => {
    const { folder, renew, clock } = setup();
    expect(await renew()).to.deep.equal(services);
    const files = readdirSync(folder);
    expect(files).to.have.members([
      'ca.pem',
      'ca-key.pem',
      'catalog.pem',
      'catalog-key.pem',
      'cart.pem',
      'cart-key.pem',
    ]);
    for (const file of files) expect(statSync(join(folder, file)).mode & 0o777, file).to.equal(0o600);
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
    for (const service of services) expect(readIdentity(folder, service, clock)).to.have.property('keyPem');
  });

  it('writes into a certificate who it is, where it may be found, what it is for and how long', async () => {
    const { renew, certificate, clock } = setup();
    await renew();
    const leaf = certificate('cart.pem');
    expect(leaf.subjectAltName).to.equal(
      'URI:spiffe://meshmart.local/service/cart, DNS:cart, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    // Both ends of TLS: server and client.
    expect(leaf.keyUsage).to.deep.equal(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(leaf.ca).to.equal(false);
    expect(leaf.publicKey.asymmetricKeyDetails).to.deep.equal({ namedCurve: 'prime256v1' });
    expect(Date.parse(leaf.validTo)).to.equal(clock.nowMs() + leafMs);
    expect(Date.parse(leaf.validFrom)).to.be.below(clock.nowMs());
    const ca = certificate('ca.pem');
    expect(ca.ca).to.equal(true);
    expect(Date.parse(ca.validTo)).to.equal(clock.nowMs() + caMs);
    expect(leaf.checkIssued(ca) && leaf.verify(ca.publicKey)).to.equal(true);
    expect(ca.verify(ca.publicKey)).to.equal(true);
    expect(leaf.serialNumber).to.not.equal(certificate('catalog.pem').serialNumber);
  });

  it('leaves alone what is good', async () => {
    const { renew, all } = setup();
    await renew();
    const before = all();
    expect(await renew()).to.deep.equal([]);
    expect(all()).to.deep.equal(before);
  });

  it('gives a service that is new a certificate of the same authority', async () => {
    const { renew, text } = setup();
    await renew();
    const ca = text('ca.pem');
    expect(await renew([...services, 'order'])).to.deep.equal(['order']);
    expect(text('ca.pem')).to.equal(ca);
  });

  it('renews a leaf ten days before its end, with a new key, and not earlier', async () => {
    const { renew, advance, text } = setup();
    await renew();
    const key = text('cart-key.pem');
    await advance(leafMs - renewBeforeMs - 1);
    expect(await renew()).to.deep.equal([]);
    await advance(1);
    expect(await renew()).to.deep.equal(services);
    expect(text('cart-key.pem')).to.not.equal(key);
  });

  it('renews the authority under the same key before a leaf could outlive it: old and new trust each other', async () => {
    const { renew, advance, certificate, clock } = setup();
    await renew();
    const [oldCa, oldLeaf] = [certificate('ca.pem'), certificate('cart.pem')];
    for (let day = 0; day < 340; day += 1) {
      await advance(dayMs);
      await renew();
      const [ca, leaf] = [certificate('ca.pem'), certificate('cart.pem')];
      expect(Date.parse(leaf.validTo)).to.be.most(Date.parse(ca.validTo));
      expect(Date.parse(leaf.validTo) - clock.nowMs()).to.be.above(renewBeforeMs);
    }
    const [ca, leaf] = [certificate('ca.pem'), certificate('cart.pem')];
    expect(ca.serialNumber).to.not.equal(oldCa.serialNumber);
    for (const [child, parent] of [
      [oldLeaf, ca],
      [leaf, oldCa],
    ] as const)
      expect(child.checkIssued(parent) && child.verify(parent.publicKey)).to.equal(true);
  });

  it('makes anew what was made by a clock that ran ahead', async () => {
    const { renew, clock, setWallTime } = setup();
    await renew();
    setWallTime(clock.nowMs() - dayMs);
    expect(await renew()).to.deep.equal(services);
  });

  const damages: Record<string, (folder: string) => void> = {
    'a certificate that is gone': (folder) => rmSync(join(folder, 'cart.pem')),
    'a key that is gone': (folder) => rmSync(join(folder, 'cart-key.pem')),
    'a certificate that was cut short': (folder) =>
      writeFileSync(join(folder, 'cart.pem'), '-----BEGIN CERT'),
    "a key that is another service's": (folder) =>
      writeFileSync(join(folder, 'cart-key.pem'), readFileSync(join(folder, 'catalog-key.pem'))),
    "a certificate that is another service's": (folder) => {
      writeFileSync(join(folder, 'cart.pem'), readFileSync(join(folder, 'catalog.pem')));
      writeFileSync(join(folder, 'cart-key.pem'), readFileSync(join(folder, 'catalog-key.pem')));
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`mends ${what}`, async () => {
      const { folder, renew, clock } = setup();
      await renew();
      damage(folder);
      expect(await renew()).to.deep.equal(['cart']);
      readIdentity(folder, 'cart', clock);
    });
  }

  for (const file of ['ca.pem', 'ca-key.pem']) {
    it(`makes everything anew when ${file} is lost`, async () => {
      const { folder, renew, clock } = setup();
      await renew();
      rmSync(join(folder, file));
      expect(await renew()).to.deep.equal(services);
      for (const service of services) readIdentity(folder, service, clock);
      expect(await renew()).to.deep.equal([]);
    });
  }

  it('ends with one set of files that fit together when two calls overlap', async () => {
    const { folder, renew, clock } = setup();
    await Promise.all([renew(), renew()]);
    for (const service of services) readIdentity(folder, service, clock);
    expect(await renew()).to.deep.equal([]);
  });

  it('refuses a key that others can read', async () => {
    const { folder, renew } = setup();
    await renew();
    chmodSync(join(folder, 'ca-key.pem'), 0o644);
    const error = await renew().catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(StartupError);
    expect((error as Error).message).to.match(/ca-key\.pem can be read by others: run chmod 600 /);
  });

  it('says in one line that its folder can not be written', async () => {
    const clock = virtualClock();
    const file = temporary.write('a-file', '');
    const error = await renewCertificates({ folder: join(file, 'below'), services, ...clock }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(StartupError);
    expect((error as Error).message)
      .to.include('a-file')
      .and.not.include('\n');
  });
});
