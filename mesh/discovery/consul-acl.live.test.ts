import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { type ConsulProcess, consulProcess } from './consul-process.test.js';
import { createConsulRegistry } from './consul-registry.js';
import { createConsulResolver } from './consul-resolver.js';

/** The token that may do everything, in this test's Consul. */
const management = 'b1f0c6de-3c1c-4a65-9f0e-0123456789ab';

describe('a Consul that denies what is not allowed', function () {
  this.timeout(30_000);
  let consul: ConsulProcess;
  let folder: TemporaryFolder;

  beforeEach(async () => {
    consul = await consulProcess({
      acl: {
        enabled: true,
        default_policy: 'deny',
        tokens: { initial_management: management, agent: management },
      },
    });
    await consul.start();
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await consul.close();
    folder.remove();
  });

  /** A token with the rights that docs/discovery.md names, and no others. */
  const tokenFor = async (service: string): Promise<string> => {
    const rules = `service "${service}" { policy = "write" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`;
    await asManagement('/v1/acl/policy', { Name: service, Rules: rules });
    const { SecretID } = await asManagement('/v1/acl/token', { Policies: [{ Name: service }] });
    return SecretID;
  };
  const asManagement = async (path: string, body: object) => {
    const answer = await fetch(`${consul.url}${path}`, {
      method: 'PUT',
      headers: { 'x-consul-token': management },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { SecretID: string };
  };

  it('takes a registration and answers with the token of the file, also one that is written later', async () => {
    const tokenFile = folder.write('token', '00000000-0000-0000-0000-00000000dead');
    const log = collectingLog();
    const options = { ambient: machineAmbient(), log, address: consul.address, tokenFile };
    const resolver = createConsulResolver(options);
    const told: number[][] = [];
    resolver.watch('catalog', (endpoints) => told.push(endpoints.map(({ port }) => port)));
    const registered = await createConsulRegistry(options).register(
      { service: 'catalog', instanceId: 'catalog-1.1', address: '127.0.0.1', port: 1, meta: {} },
      () => ({ serving: true }),
    );
    try {
      await eventually(() => {
        const problems = log.lines.map(({ fields }) => String(fields['problem']));
        expect(problems.some((problem) => /403 .*ACL not found/.test(problem))).to.equal(true);
      });
      expect(registered.current()).to.equal(false);

      const token = await tokenFor('catalog');
      folder.write('token', `${token}\n`);
      await eventually(() => expect(told.at(-1)).to.deep.equal([1]));
      await eventually(() => expect(registered.current()).to.equal(true));
      expect(JSON.stringify(log.lines)).not.to.contain(token);
    } finally {
      await registered.deregister();
      resolver.close();
    }
  });
});
