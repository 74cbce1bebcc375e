import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { parse } from 'yaml';
import { packageRoot } from '../../runtime/package-root.js';
import { composeFile, serverImages } from './compose-file.js';
import { serverKinds } from './start-servers.js';

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
  readonly volumes: Readonly<Record<string, object>>;
  readonly secrets: Readonly<Record<string, object>>;
}

interface Service {
  readonly image: string;
  readonly network_mode: string;
  readonly profiles?: readonly string[];
  readonly secrets?: readonly string[];
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  readonly volumes?: readonly string[];
}

const text = readFileSync(join(packageRoot(), 'compose.yaml'), 'utf8');
// Old parsers read yes and no as booleans: what they see must be the same.
const compose = parse(text, { version: '1.1' }) as Compose;
const settings = { SCRAPE_TARGETS_URL: 'http://127.0.0.1:9464/targets' };

describe('compose.yaml', () => {
  it('is what compose-file.ts makes: run npx tsx mesh/shape/servers/write-compose-file.ts', () => {
    expect(text).to.equal(composeFile());
  });

  it('has the servers that meshmart up starts, and no others', () => {
    expect(Object.keys(compose.services)).to.deep.equal(serverKinds.map(({ name }) => name));
    expect(serverImages.map(({ kind }) => kind)).to.deep.equal(serverKinds);
  });

  it('starts without being asked those that the shop can not do without', () => {
    const asked = Object.entries(compose.services).filter(([, { profiles }]) => profiles !== undefined);
    expect(asked.map(([name, { profiles }]) => [name, profiles])).to.deep.equal(
      serverKinds.flatMap(({ name, choice }) => (choice === undefined ? [] : [[name, [choice]]])),
    );
  });

  for (const { kind, image, program, scripted, folder, data = '', environment } of serverImages) {
    describe(kind.name, () => {
      const service = compose.services[kind.name] as Service;
      const usual = (variable: string) => kind.ports.find((one) => one.variable === variable)?.usual ?? 0;
      const launch = kind.launch({ folder, data, port: usual, platform: 'linux', environment: settings });

      it('gets the same arguments and variables', () => {
        const script = scripted ? ['sh', '-c', launch.script] : [];
        const command = service.command.map((text) => text.replaceAll('$$', '$'));
        expect(command).to.deep.equal([...script, ...program, ...launch.args]);
        expect(service.environment ?? {}).to.deep.equal({ ...launch.environment, ...environment });
      });

      it('gets the same configuration, where its arguments say', () => {
        const mounted = (service.configs ?? []).map(({ source, target }) => [
          target,
          compose.configs[source]?.content.replaceAll('$$', '$'),
        ]);
        const files = Object.entries(launch.files).map(([file, content]) => [`${folder}/${file}`, content]);
        expect(mounted).to.deep.equal(files);
      });

      it('listens on its usual ports, on loopback', () => {
        expect(service.network_mode).to.equal('host');
        const told = [...service.command, ...Object.values(launch.files)].join(' ');
        for (const { usual: port } of kind.ports) expect(told).to.match(new RegExp(`\\b${port}\\b`));
        expect(told).to.include('127.0.0.1').and.not.include('0.0.0.0');
      });

      it('is started only where it was chosen, if it can be chosen', () => {
        expect(service.profiles).to.deep.equal(kind.choice === undefined ? undefined : [kind.choice]);
      });

      it('has a pinned image, and a volume for what must survive', () => {
        expect(image).to.match(/:v?\d+\.\d+(\.\d+)?(-alpine)?$/);
        expect(service.image).to.equal(image);
        expect(service.volumes ?? []).to.deep.equal(data === '' ? [] : [`${kind.name}:${data}`]);
        if (data !== '') expect(compose.volumes).to.include.keys(kind.name);
      });
    });
  }

  it('holds to the schema of the Compose specification', () => {
    const validate = newValidator();
    validate(compose);
    expect(validate.errors ?? []).to.deep.equal([]);
  });

  for (const [what, spoil] of [
    ['a misspelt key', { comand: ['redis-server'] }],
    ['a number as an argument', { command: ['--port', 6379] }],
    ['a number as an interval', { healthcheck: { test: ['CMD', 'true'], interval: 2 } }],
  ] as const) {
    it(`would not hold with ${what}`, () => {
      const redis = { ...compose.services['redis'], ...spoil };
      const spoilt = { ...compose, services: { ...compose.services, redis } };
      expect(newValidator()(spoilt)).to.equal(false);
    });
  }

  it('holds no password: it names the files that do', () => {
    expect(compose.secrets).to.deep.equal({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose puts the variable in.
      'postgres-password': { file: '${POSTGRES_PASSWORD_FILE:-./postgres-password}' },
    });
    expect(compose.services['postgres']?.secrets).to.deep.equal(['postgres-password']);
  });

  it("publishes no port: the specification refuses that on the host's network", () => {
    for (const service of Object.values(compose.services)) expect(service).to.not.have.property('ports');
  });
});

/** Compose's own schema, as dclint carries it: https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json */
function newValidator() {
  const schema = JSON.parse(
    readFileSync(join(packageRoot(), 'node_modules', 'dclint', 'schemas', 'compose.schema.json'), 'utf8'),
  ) as { $schema?: string };
  // Its draft is told by a URL that Ajv does not know, over https.
  delete schema.$schema;
  return new Ajv({ allErrors: true, strict: false, validateFormats: false }).compile(schema);
}
