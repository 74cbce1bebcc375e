import { expect } from 'chai';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { inAnyOrder } from './tools/any-order.js';
import { declaredNetworks } from './tools/declared-networks.js';
import { declaredAuthorization, declaredScopes } from './tools/declared-policies.js';
import { plants } from './tools/planted-policies.js';
import { byName, type Rendered, type RenderOptions, render } from './tools/rendered.js';
import { type Surroundings, surroundings } from './tools/surroundings.js';

const shop = loadShop();

/** Name to the whole spec, of all objects of a kind; with the namespace before the name where it is another. */
function specsOf(objects: readonly Rendered[], kind: string): unknown {
  const all = objects.filter((one) => one.kind === kind);
  return inAnyOrder(
    Object.fromEntries(
      all.map(({ metadata: { name, namespace }, spec }) => [
        namespace === 'shop' ? name : `${namespace}/${name}`,
        spec,
      ]),
    ),
  );
}

/** The same of what the manifests declare. */
function declaredOf(kind: string, around: Surroundings): unknown {
  const mesh = around.dataPlane !== 'none';
  switch (kind) {
    case 'NetworkPolicy':
      return inAnyOrder(declaredNetworks(shop, around));
    case 'AuthorizationPolicy':
      return inAnyOrder(mesh ? declaredAuthorization(shop, around) : {});
    case 'PeerAuthentication':
      return mesh ? { default: { mtls: { mode: 'STRICT' } } } : {};
    default:
      return inAnyOrder(around.dataPlane === 'sidecar' ? declaredScopes(shop, around) : {});
  }
}

const watchers = ['prometheus.enabled=true', 'grafana.enabled=true', 'autoscaling.enabled=true'];
const renderings: readonly (readonly [string, Surroundings, RenderOptions])[] = [
  ...Object.entries(surroundings).map(([profile, around]) => [profile, around, { profile }] as const),
  ['istio with all that watches', { ...surroundings.istio, watchers: true }, { set: watchers }],
];

describe('the call graph of the manifests', function () {
  this.timeout(60_000);

  for (const [title, around, options] of renderings) {
    describe(`in profile ${title}`, () => {
      const objects = render(options);
      const isWhole = (kind: string) =>
        expect(specsOf(objects, kind)).to.deep.equal(declaredOf(kind, around));

      it('is, rule for rule, what NetworkPolicy lets in and out', () => isWhole('NetworkPolicy'));
      it('is, rule for rule, what Istio lets through', () => isWhole('AuthorizationPolicy'));
      it('is asked for by nobody without an identity', () => isWhole('PeerAuthentication'));
      it("is, host for host, what each service's sidecar knows", () => isWhole('Sidecar'));
    });
  }

  describe('is told from a policy', () => {
    const objects = render();
    for (const [title, kind, name, plant] of plants) {
      it(`that ${title}`, () => {
        const planted = structuredClone(objects) as Rendered[];
        const policy = byName(planted, kind).get(name);
        expect(policy, `${kind} ${name}`).to.not.equal(undefined);
        plant(policy?.['spec'], planted);
        expect(specsOf(planted, kind)).to.not.deep.equal(declaredOf(kind, surroundings.istio));
      });
    }
  });

  it('reaches servers outside where their addresses say, by the port that their scheme means', () => {
    const outside = [...byName(render({ profile: 'production' }), 'ServiceEntry').values()].map(
      ({ spec }) => [spec.hosts[0], spec.ports[0].number, spec.ports[0].protocol],
    );
    expect(outside).to.have.deep.members([
      ['cards.example', 443, 'TLS'],
      ['consul.example', 8501, 'TLS'],
      ['redis.example', 6380, 'TLS'],
    ]);
  });

  it('is the same for one service that is a release of its own', () => {
    const objects = render({ profile: 'istio' });
    const one = render({ chart: 'helm/service', release: 'order', files: ['helm/shop/services/order.yaml'] });
    for (const object of one) {
      const inShop = objects.find(
        (other) => other.kind === object.kind && other.metadata.name === object.metadata.name,
      );
      expect(object, `${object.kind} ${object.metadata.name}`).to.deep.equal(inShop);
    }
    expect(one.map(({ kind }) => kind)).to.include.members([
      'Deployment',
      'Service',
      'NetworkPolicy',
      'AuthorizationPolicy',
      'Sidecar',
    ]);
  });
});
