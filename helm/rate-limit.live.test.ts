import { expect } from 'chai';
import { byName, render } from './tools/rendered.js';

const limit = 'istio.rateLimit';
const filterOf = (profile: string, ...set: string[]) =>
  byName(render({ profile, set }), 'EnvoyFilter').get('rate-limit');

describe('the rate limit of the mesh', function () {
  this.timeout(60_000);
  const set = [`${limit}.enabled=true`, `${limit}.requestsPerSecond=1000000`, `${limit}.burst=3000000`];
  const objects = render({ set });
  const filter = byName(objects, 'EnvoyFilter').get('rate-limit');
  const [patch] = filter?.['spec'].configPatches ?? [];
  const config = patch?.patch.value.typed_config;

  it('is of the pods of the gateway, and of no others', () => {
    expect(filter?.metadata.namespace).to.equal('shop');
    const { labels } = filter?.['spec'].workloadSelector ?? {};
    const selected = [...byName(objects, 'Deployment')].filter(([, { spec }]) =>
      Object.entries(labels).every(([label, value]) => spec.template.metadata.labels[label] === value),
    );
    expect(selected.map(([name]) => name)).to.deep.equal(['gateway']);
    expect(filter?.['spec']).to.not.have.property('targetRefs');
  });

  it('is a bucket of the burst, filled each second with what a second may have', () => {
    expect(config['@type']).to.match(/\.http\.local_ratelimit\.v3\.LocalRateLimit$/);
    expect(config.token_bucket).to.deep.equal({
      max_tokens: 3_000_000,
      tokens_per_fill: 1_000_000,
      fill_interval: '1s',
    });
  });

  it('counts every request that comes in, and refuses every one that is too many', () => {
    const all = { default_value: { numerator: 100, denominator: 'HUNDRED' } };
    expect(config.filter_enabled).to.deep.equal(all);
    expect(config.filter_enforced).to.deep.equal(all);
    expect(filter?.['spec'].configPatches).to.have.length(1);
    expect(patch).to.include({ applyTo: 'HTTP_FILTER' });
    expect(patch.match.context).to.equal('SIDECAR_INBOUND');
    expect(patch.match.listener.filterChain.filter.subFilter.name).to.equal('envoy.filters.http.router');
    expect(patch.patch.operation).to.equal('INSERT_BEFORE');
  });

  it('is told as what a client must not repeat, and when to come again', () => {
    expect(config.rate_limited_as_resource_exhausted).to.equal(true);
    expect(config.response_headers_to_add.map(({ header }: { header: object }) => header)).to.deep.equal([
      { key: 'retry-after', value: '1' },
    ]);
  });

  it('is off unless it is asked for, on in production, and has no place without sidecars', () => {
    expect(filterOf('istio')).to.equal(undefined);
    const production = filterOf('production')?.['spec'].configPatches[0];
    expect(production.patch.value.typed_config.token_bucket).to.include({
      max_tokens: 400,
      tokens_per_fill: 200,
    });
    expect(filterOf('ambient', `${limit}.enabled=true`)).to.equal(undefined);
    expect(filterOf('minimal', `${limit}.enabled=true`)).to.equal(undefined);
  });
});
