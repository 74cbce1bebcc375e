import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type Rendered, render } from './tools/rendered.js';

const servers = ['consul', 'redis', 'postgres', 'jaeger', 'prometheus', 'grafana'];
/** Beside the shop, from its own image. */
const ours = ['cardProcessor', 'mailSink', 'autoscaling'];
const placement = {
  nodeSelector: { pool: 'shop' },
  tolerations: [{ key: 'shop', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'shop',
};
const authority = { name: 'authority', mountPath: '/etc/authority', readOnly: true };
const volume = { name: 'authority', configMap: { name: 'authority' } };

/** With other values than the profile `istio` has. */
function renderWith(values: object): Rendered[] {
  const folder = temporaryFolder();
  const file = join(folder.path, 'values.yaml');
  writeFileSync(file, stringify(values));
  try {
    return render({ files: [file] });
  } finally {
    folder.remove();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a pod has many shapes.
function podsOf(objects: readonly Rendered[]): { readonly name: string; readonly pod: any }[] {
  return objects
    .filter(({ kind }) => ['Deployment', 'StatefulSet', 'Job', 'Pod'].includes(kind))
    .map(({ kind, metadata, ...rest }) => ({
      name: `${kind} ${metadata.name}`,
      pod: kind === 'Pod' ? rest['spec'] : rest['spec'].template.spec,
    }));
}

describe('every pod of the charts', function () {
  this.timeout(30_000);
  const part = { enabled: true, ...placement };
  const all = renderWith({
    image: { pullSecrets: ['ours'] },
    defaults: placement,
    ...Object.fromEntries(servers.map((name) => [name, { ...part, image: { pullSecrets: [name] } }])),
    ...Object.fromEntries(ours.map((name) => [name, part])),
  });

  it('pulls its image by the right that is given, a server of others by its own', () => {
    for (const { name, pod } of podsOf(all)) {
      const server = servers.find((one) => name === `StatefulSet ${one}`);
      expect(pod.imagePullSecrets, name).to.deep.equal([{ name: server ?? 'ours' }]);
    }
  });

  it('runs on the nodes that are said, and else on any', () => {
    for (const { name, pod } of podsOf(all)) expect(pod, name).to.deep.include(placement);
    for (const { name, pod } of podsOf(render()))
      expect(pod, name).to.not.have.any.keys('imagePullSecrets', ...Object.keys(placement));
  });
});

describe('the Job that makes databases', function () {
  this.timeout(30_000);
  const jobOf = (values: object) =>
    podsOf(renderWith(values)).find(({ name }) => name.startsWith('Job '))?.pod;

  it('has the files and variables that all services have, or its own', () => {
    const extra = {
      extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/authority/ca.crt' }],
      extraVolumes: [volume],
      extraVolumeMounts: [authority],
    };
    for (const values of [{ defaults: extra }, { databases: extra }]) {
      const { containers, volumes } = jobOf(values);
      expect(containers[0].env).to.deep.include(extra.extraEnv[0]);
      expect(containers[0].volumeMounts).to.deep.include(authority);
      expect(volumes).to.deep.include(volume);
    }
    const own = jobOf({ defaults: extra, databases: { extraEnv: [], nodeSelector: { pool: 'jobs' } } });
    expect(own.containers[0].env).to.not.deep.include(extra.extraEnv[0]);
    expect(own.nodeSelector).to.deep.equal({ pool: 'jobs' });
  });

  it("has each service's password from the Secret that the service itself has", () => {
    const { volumes } = jobOf({
      defaults: { existingSecret: 'all' },
      services: { cart: { existingSecret: 'of-cart' } },
    });
    const { sources } = volumes.find(({ name }: { name: string }) => name === 'secrets').projected;
    const named = new Map(
      sources.map(({ secret }: { secret: { name: string; items: { key: string }[] } }) => [
        secret.items[0]?.key,
        secret.name,
      ]),
    );
    expect(named.get('cart-postgres')).to.equal('of-cart');
    expect(named.get('order-postgres')).to.equal('all');
  });
});
