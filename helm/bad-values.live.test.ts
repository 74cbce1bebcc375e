import { expect } from 'chai';
import { type RenderOptions, refusal } from './tools/rendered.js';

const wrong: readonly (readonly [string, RenderOptions, RegExp])[] = [
  ['a misspelt key', { set: ['istoi.enabled=true'] }, /additional properties 'istoi' not allowed/],
  [
    'a misspelt key of a service',
    { set: ['services.catalog.replcas=2'] },
    /\/services\/catalog.*'replcas' not allowed/,
  ],
  ['a misspelt name of a service', { set: ['services.catalogue.replicas=2'] }, /'catalogue' not allowed/],
  [
    'a text where a number is wanted',
    { set: ['services.catalog.replicas=many'] },
    /replicas.*got string, want integer/,
  ],
  ['a digest that is none', { set: ['image.digest=sha256:abc'] }, /image\/digest/],
  [
    'an unknown profile',
    { set: ['profile=huge'] },
    /profile is 'huge': use one of minimal, istio, production, ambient/,
  ],
  [
    'a profile without its mesh',
    { set: ['istio.enabled=false'] },
    /profile istio stands on Istio: set istio\.enabled=true, or profile=minimal/,
  ],
  [
    'a mesh without its profile',
    { profile: 'minimal', set: ['istio.enabled=true'] },
    /istio\.enabled is true in profile minimal: set profile/,
  ],
  [
    'replicas with SQLite',
    { profile: 'minimal', set: ['services.order.replicas=2'] },
    /services\.order has more than one replica, and SQLite is a file of one: set store\.kind=postgres/,
  ],
  [
    'autoscaling with SQLite',
    { profile: 'minimal', set: ['services.order.autoscaling.enabled=true'] },
    /SQLite is a file of one/,
  ],
  [
    'more replicas than the manifest allows',
    { set: ['services.order.replicas=9'] },
    /services\.order\.replicas is 9: give 1 to 4/,
  ],
  [
    'more replicas by load than the manifest allows',
    { set: ['services.order.autoscaling.maxReplicas=9'] },
    /services\.order\.autoscaling\.maxReplicas is 9: give 1 to 4, as services\/order\/service\.yaml allows/,
  ],
  [
    'a canary of more replicas than the manifest allows',
    { set: ['services.order.canary.enabled=true', 'services.order.canary.replicas=5'] },
    /services\.order\.canary\.replicas is 5: give 1 to 4/,
  ],
  [
    'a least that is more than the most',
    { set: ['services.order.autoscaling.minReplicas=3', 'services.order.autoscaling.maxReplicas=2'] },
    /services\.order\.autoscaling\.minReplicas is 3 and maxReplicas 2: give a minReplicas of at most 2/,
  ],
  [
    'grace shorter than drain',
    { set: ['services.cart.drain.drainSeconds=60'] },
    /services\.cart\.drain\.terminationGracePeriodSeconds is 35, and .* are 75: give at least that/,
  ],
  [
    'no Secret',
    { set: ['secrets.nameFormat='] },
    /the Secret of \w+ is missing: name it in services\.\w+\.existingSecret/,
  ],
  [
    'no password of PostgreSQL',
    { set: ['postgres.existingSecret='] },
    /postgres\.existingSecret is missing: name a Secret whose key `password`/,
  ],
  ['no users of Redis', { set: ['redis.existingSecret='] }, /redis\.existingSecret is missing/],
  [
    'no public keys',
    { set: ['istio.requestAuthentication.jwks='] },
    /jwks is missing: give the public keys with --set-file/,
  ],
  [
    'no Consul',
    { set: ['consul.enabled=false'] },
    /there is no consul: set consul\.enabled=true, or consul\.address/,
  ],
  [
    'no PostgreSQL',
    { set: ['postgres.enabled=false'] },
    /store\.kind is postgres and there is none: set postgres\.enabled=true, or postgres\.address/,
  ],
  ['no address of a bus', { set: ['bus.kind=kafka'] }, /bus\.address is missing: say where kafka is/],
  [
    'SQLite in production',
    { profile: 'production', set: ['store.kind=sqlite'] },
    /store\.kind is sqlite in profile production: set store\.kind=postgres/,
  ],
  [
    'secrets made by the chart in production',
    { profile: 'production', set: ['secrets.create=true'] },
    /secrets\.create is true in profile production/,
  ],
  [
    'a setting that a service does not have',
    { set: ['services.cart.settings.guestDays=1'] },
    /services\.cart\.settings\.guestDays is no setting of cart: use one of guestCartDays/,
  ],
  [
    'ambient in half',
    { set: ['istio.dataPlane=ambient'] },
    /profile istio does not go with istio\.dataPlane=ambient: set both/,
  ],
  [
    'the load of pods in ambient',
    { profile: 'ambient', set: ['autoscaling.enabled=true'] },
    /autoscaling\.enabled does not go with profile ambient.*set autoscaling\.enabled=false/,
  ],
  [
    'a target of nothing',
    { set: ['services.catalog.autoscaling.requestsInFlight=0'] },
    /requestsInFlight.*(minimum|got 0)/,
  ],
  [
    "the autoscaler's Secret without its authority, where no cluster can be asked",
    { set: ['autoscaling.enabled=true', 'autoscaling.existingSecret=tls'] },
    /autoscaling\.caBundle is missing, .* --set-file autoscaling\.caBundle=ca\.crt/,
  ],
  [
    'no service',
    { chart: 'helm/service', profile: 'istio' },
    /service is missing: say which one with --values helm\/shop\/services\/NAME\.yaml/,
  ],
];

describe('values that can not work', function () {
  this.timeout(20_000);
  for (const [what, options, message] of wrong) {
    it(`are refused with a sentence: ${what}`, () => {
      expect(refusal(options)).to.match(message);
    });
  }
});
