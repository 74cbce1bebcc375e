import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { freePort } from '../../mesh/testing/free-port.js';
import { notesBlock } from './notes.js';
import { namespace, untilSettled } from './pods.js';
import { succeed } from './program.js';
import { release } from './release.js';
import { openShell, type ShellSession } from './shell-session.js';

/**
 * The lines that `helm install` has printed, pasted into one shell: all but those of another version, which would change the
 * release. docs/kubernetes.md has these with an image that is there.
 */
describe('the notes of the release', function () {
  this.timeout(300_000);
  let notes: string;
  let shell: ShellSession;
  let ports: Readonly<Record<'PORT' | 'GRPC_PORT' | 'JAEGER_PORT' | 'CONSUL_PORT', string>>;
  const run = (beginning: string, withinMs = 60_000) => shell.run(notesBlock(notes, beginning), withinMs);

  before(async () => {
    await untilSettled();
    notes = await succeed('helm', ['get', 'notes', release, '--namespace', namespace]);
    const port = async () => String(await freePort());
    ports = {
      PORT: await port(),
      GRPC_PORT: await port(),
      JAEGER_PORT: await port(),
      CONSUL_PORT: await port(),
    };
    shell = openShell(ports);
  });
  after(() => shell?.end());

  it('wait for the shop; its tests are run by docs/kubernetes.md', async () => {
    const [wait, test, ...others] = notesBlock(notes, 'The shop is in namespace').split('\n');
    expect(test).to.equal(`helm test ${release} --namespace ${namespace}`);
    expect(others).to.deep.equal([]);
    expect(await shell.run(wait ?? '', 60_000)).to.match(/^deployment\.apps\/catalog condition met$/m);
  });

  it('list products over REST and gRPC, and tell the health of every service', async () => {
    const catalog = /"meshmart\.catalog\.v1\.CatalogService": \{\s+"status": "SERVING"/;
    // A service that does not answer the gateway within two seconds does not serve.
    const printed = await eventually(
      async () => {
        const text = await run('Over REST and gRPC');
        expect(text).to.match(catalog);
        return text;
      },
      { withinMs: 90_000, everyMs: 1_000, what: 'the catalogue to serve' },
    );
    // Three by each.
    expect(printed.match(/"prd_[^"]+"/g), printed).to.have.length(6);
  });

  it('open the page of traces', async () => {
    await run('Traces');
    await eventually(
      async () =>
        expect(
          (await fetch(`http://127.0.0.1:${ports.JAEGER_PORT}/search`)).headers.get('content-type'),
        ).to.match(/text\/html/),
      { withinMs: 15_000, everyMs: 200, what: "Jaeger's page" },
    );
  });

  it('tell what Consul knows, and open its page', async () => {
    const found = JSON.parse(await run('What Consul knows')) as { Service: { Service: string } }[];
    expect(new Set(found.map(({ Service }) => Service.Service))).to.deep.equal(new Set(['catalog']));
    expect((await fetch(`http://127.0.0.1:${ports.CONSUL_PORT}/ui/`)).status).to.equal(200);
  });

  // Its lines fail by themselves when Istio finds an error.
  it('tell who is in the mesh, and find no error in it', async () => {
    expect(await run('Who is in the mesh')).to.match(new RegExp(`^catalog-\\S+\\.${namespace}\\s`, 'm'));
  });
});
