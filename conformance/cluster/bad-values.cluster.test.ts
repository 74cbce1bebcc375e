import { expect } from 'chai';
import { namespace } from './pods.js';
import { kubectl, runProgram } from './program.js';

const jwks = process.env['MESHMART_JWKS'] ?? '';

const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['a misspelt key', ['istoi.enabled=true'], /additional properties 'istoi' not allowed/],
  [
    'a Secret that is not there',
    ['secrets.nameFormat=%s-lost'],
    /the Secret \w+-lost of \w+ is not in namespace shop: make it with npm run --silent helm:secrets \| kubectl apply/,
  ],
  [
    'replicas with SQLite',
    ['store.kind=sqlite', 'services.order.replicas=2'],
    /services\.order has more than one replica, and SQLite is a file of one: set store\.kind=postgres/,
  ],
  [
    'grace shorter than drain',
    ['services.cart.drain.drainSeconds=60'],
    /terminationGracePeriodSeconds is 35, and .* are 75: give at least that/,
  ],
];

describe('values that can not work, at helm install', function () {
  this.timeout(60_000);

  for (const [what, set, message] of wrong) {
    it(`are refused with a sentence that says what to change, and nothing is made: ${what}`, async () => {
      const { code, stderr } = await runProgram('helm', [
        ...[
          'install',
          'refused',
          'helm/shop',
          '--namespace',
          namespace,
          '--values',
          'helm/shop/values-istio.yaml',
        ],
        ...['--set-file', `istio.requestAuthentication.jwks=${jwks}`],
        ...set.flatMap((text) => ['--set', text]),
      ]);
      expect(code, stderr).to.equal(1);
      expect(stderr).to.match(message);
      const made = await kubectl(['get', 'all', '--namespace', namespace, '--output', 'name']);
      expect(made.trim()).to.equal('');
      const { stdout } = await runProgram('helm', ['list', '--namespace', namespace, '--all', '--short']);
      expect(stdout.trim()).to.equal('');
    });
  }
});
