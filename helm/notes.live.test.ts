import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type NotesBlock, notesBlocks } from '../conformance/cluster/notes.js';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { byName, type Rendered, render } from './tools/rendered.js';

const everything = ['prometheus.enabled=true', 'grafana.enabled=true', 'autoscaling.enabled=true'];

/** `helm template` leaves the notes out, and `helm install` wants a cluster: a template more gives them as an object. */
const template = `apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  notes: {{ include "shop/templates/NOTES.txt" . | toJson }}
`;

describe('the notes of a release', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  const notesOf = (profile: string, ...set: string[]) => {
    const chart = join(folder.path, 'shop');
    const objects = render({ chart, release: 'other', namespace: 'elsewhere', profile, set });
    const text = byName(objects, 'ConfigMap').get('notes')?.['data'].notes as string;
    return { objects, text, blocks: notesBlocks(text) };
  };

  before(() => {
    folder = temporaryFolder();
    cpSync(join(packageRoot(), 'helm/shop'), join(folder.path, 'shop'), {
      recursive: true,
      dereference: true,
    });
    folder.write('shop/templates/notes.yaml', template);
  });
  after(() => folder.remove());

  for (const profile of ['minimal', 'istio', 'production', 'ambient']) {
    describe(`in profile ${profile}`, () => {
      let notes: { objects: readonly Rendered[]; text: string; blocks: readonly NotesBlock[] };
      before(() => {
        notes = notesOf(profile, ...everything.filter((one) => profile !== 'ambient' || !/autosc/.test(one)));
      });
      const lines = () => notes.blocks.flatMap((block) => block.lines);

      it('are about this release and its namespace', () => {
        expect(notes.text).to.match(/^The shop is in namespace elsewhere, profile \w+\./);
        expect(lines()).to.have.length.greaterThan(6);
        for (const line of lines()) {
          expect(line).to.not.match(/(namespaces?[ /]|test |upgrade )shop\b/);
          if (/^(kubectl|helm|istioctl) /.test(line) && !line.includes('jaeger-collector'))
            expect(line).to.match(/(--namespace |\/namespaces\/)elsewhere\b/);
          if (line.startsWith('helm')) expect(line).to.match(/^helm \w+ other /);
        }
      });

      it('can be read by any shell: nothing that stands for names of files is bare', () => {
        for (const { lines: block } of notes.blocks) {
          const text = block.join('\n');
          const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
          expect(status, `${text}\n${stderr}`).to.equal(0);
          expect(text.replace(/'[^']*'|"[^"]*"/g, '')).to.not.match(/[?*[\]]/);
        }
      });

      it('forward ports that Services have, from ports that can be chosen', () => {
        const services = notes.objects.filter(({ kind }) => kind === 'Service');
        const forwards = lines().filter((line) => line.includes('port-forward'));
        expect(forwards).to.not.be.empty;
        for (const line of forwards) {
          const [, namespace, name, ports = ''] =
            /^kubectl --namespace (\S+) port-forward service\/(\S+) (.*) > \/dev\/null &$/.exec(line) ?? [];
          const service = services.find(({ metadata }) => metadata.name === name);
          expect(service?.metadata.namespace, line).to.equal(namespace);
          for (const port of ports.split(' ')) {
            const [, own, of] = /^\$\{\w*PORT:-(\d+)\}:(\d+)$/.exec(port) ?? [];
            expect(own, line).to.equal(of);
            expect(service?.['spec'].ports.map((one: { port: number }) => String(one.port))).to.include(of);
          }
        }
      });

      it('ask by curl until the forwarded port is there, and fail when it does not come', () => {
        const asking = lines().filter((line) => line.startsWith('curl'));
        expect(asking).to.not.be.empty;
        for (const line of asking) expect(line).to.match(/^curl -sf --retry \d --retry-connrefused "http/);
      });
    });
  }

  it('name the tests only where there are some', () => {
    expect(notesOf('istio').text).to.include('helm test other');
    expect(notesOf('production').text).to.not.include('helm test');
  });
});
