import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import type { MethodPolicy } from '../contract/policy.js';
import { backends, type Manifest, type SecretDeclaration, type SettingDeclaration } from './manifest.js';
import { StartupError } from './startup-error.js';

/** What a manifest is checked against: the contracts. */
export interface KnownContracts {
  /** Policies by `/pkg.Service/Method`. */
  readonly policies: ReadonlyMap<string, MethodPolicy>;
  /** True for the full name of a message type of the contracts. */
  hasMessage(fullName: string): boolean;
}

/**
 * Reads and checks `services/<name>/service.yaml` for each folder in `servicesFolder`, sorted by name.
 * @throws StartupError that names the file, the key and the mend.
 */
export function readManifests(servicesFolder: string, contracts: KnownContracts): Manifest[] {
  const names = foldersIn(servicesFolder);
  return names.map((name) => readManifest(join(servicesFolder, name, 'service.yaml'), name, contracts));
}

function foldersIn(servicesFolder: string): string[] {
  try {
    return readdirSync(servicesFolder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (cause) {
    throw new StartupError(`${servicesFolder} can't be read`, 'reinstall meshmart', { cause });
  }
}

function readManifest(path: string, folder: string, contracts: KnownContracts): Manifest {
  const file = `services/${folder}/service.yaml`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new StartupError(`${file} can't be read`, 'each folder in services/ needs a manifest', { cause });
  }
  try {
    return parseManifest(text, file, folder, contracts);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    // The parser throws errors of its own for bad syntax, and others for aliases that lead nowhere.
    const line = error instanceof YAMLParseError ? ` (line ${error.linePos?.[0].line ?? '?'})` : '';
    throw new StartupError(
      `${file} is not YAML${line}`,
      (error as Error).message.split('\n')[0]?.replace(/:$/, '') ?? '',
    );
  }
}

/**
 * Checks the text of a manifest.
 * @param file how messages name it.
 * @param folder the service's folder, which its name must equal.
 * @throws StartupError that names the key and the mend.
 */
export function parseManifest(
  text: string,
  file: string,
  folder: string,
  contracts: KnownContracts,
): Manifest {
  const root = mapping(parse(text), file, 'the manifest');
  knownKeys(root, file, '', [
    'name',
    'summary',
    'implements',
    'criticality',
    'calls',
    'publishes',
    'consumes',
    'backends',
    'settings',
    'secrets',
    'implementations',
    'scale',
    'resources',
  ]);
  const name = textOf(root['name'], file, 'name');
  if (name !== folder)
    throw new StartupError(`${file}: name is '${name}'`, `it must be the folder's name, '${folder}'`);
  return {
    name,
    summary: textOf(root['summary'], file, 'summary'),
    implements: listOf(root['implements'] ?? [], file, 'implements').map((service) =>
      knownService(service, file, contracts),
    ),
    criticality: oneOf(
      root['criticality'] ?? 'required',
      ['required', 'optional'] as const,
      file,
      'criticality',
    ),
    calls: listOf(root['calls'] ?? [], file, 'calls').map((call) => knownMethod(call, file, contracts)),
    publishes: listOf(root['publishes'] ?? [], file, 'publishes').map((type) =>
      knownMessage(type, file, 'publishes', contracts),
    ),
    consumes: Object.fromEntries(
      Object.entries(mapping(root['consumes'] ?? {}, file, 'consumes')).map(([topic, types]) => [
        topic,
        listOf(types, file, `consumes.${topic}`).map((type) =>
          knownMessage(type, file, `consumes.${topic}`, contracts),
        ),
      ]),
    ),
    backends: listOf(root['backends'] ?? [], file, 'backends').map((backend) =>
      oneOf(backend, backends, file, 'backends'),
    ),
    settings: declarations(root['settings'] ?? {}, file, 'settings', settingOf),
    secrets: declarations(root['secrets'] ?? {}, file, 'secrets', secretOf),
    implementations: declarations(root['implementations'] ?? {}, file, 'implementations', (value, key) => ({
      start: textOf(keyed(value, file, key, ['start'])['start'], file, `${key}.start`),
    })),
    scale: scaleOf(root['scale'] ?? { min: 1, max: 1 }, file),
    resources: numbersOf(root['resources'] ?? { memoryMiB: 96, cpuMillis: 100 }, file, 'resources', [
      'memoryMiB',
      'cpuMillis',
    ]),
  };

  function settingOf(value: unknown, key: string): SettingDeclaration {
    const setting = keyed(value, file, key, ['default', 'about', 'env']);
    const env = setting['env'];
    return {
      default: textOf(setting['default'] ?? '', file, `${key}.default`),
      about: textOf(setting['about'], file, `${key}.about`),
      ...(env === undefined ? {} : { env: textOf(env, file, `${key}.env`) }),
    };
  }

  function secretOf(value: unknown, key: string): SecretDeclaration {
    const secret = keyed(value, file, key, ['bytes', 'about']);
    return {
      bytes: countOf(secret['bytes'], file, `${key}.bytes`),
      about: textOf(secret['about'], file, `${key}.about`),
    };
  }
}

function knownService(service: string, file: string, contracts: KnownContracts): string {
  const prefix = `/${service}/`;
  for (const path of contracts.policies.keys()) if (path.startsWith(prefix)) return service;
  throw new StartupError(
    `${file}: implements names '${service}', which no contract has`,
    'use the full name of a service in proto/',
  );
}

function knownMethod(call: string, file: string, contracts: KnownContracts): string {
  if (contracts.policies.has(`/${call}`)) return call;
  throw new StartupError(
    `${file}: calls names '${call}', which no contract has`,
    'use package.Service/Method of a method in proto/',
  );
}

function knownMessage(type: string, file: string, key: string, contracts: KnownContracts): string {
  if (contracts.hasMessage(type)) return type;
  throw new StartupError(
    `${file}: ${key} names '${type}', which no contract has`,
    'use the full name of a message in proto/',
  );
}

function mapping(value: unknown, file: string, key: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new StartupError(`${file}: ${key} is not a mapping`, 'write it as key: value lines');
}

/** A mapping that has none but these keys: a misspelt one would be taken for one that is absent. */
function keyed(value: unknown, file: string, key: string, known: readonly string[]): Record<string, unknown> {
  const found = mapping(value, file, key);
  knownKeys(found, file, `${key}.`, known);
  return found;
}

function knownKeys(found: object, file: string, prefix: string, known: readonly string[]): void {
  const unknown = Object.keys(found).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new StartupError(`${file}: unknown key '${prefix}${unknown}'`, `use one of ${known.join(', ')}`);
}

function listOf(value: unknown, file: string, key: string): string[] {
  if (Array.isArray(value)) return value.map((item, index) => textOf(item, file, `${key}[${index}]`));
  throw new StartupError(`${file}: ${key} is not a list`, 'write one item a line, each after a dash');
}

function textOf(value: unknown, file: string, key: string): string {
  if (typeof value === 'string') return value;
  throw new StartupError(`${file}: ${key} is not text`, "write it as text, numbers in quotes ('100')");
}

function countOf(value: unknown, file: string, key: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new StartupError(`${file}: ${key} is not a whole number above 0`, 'write digits without quotes');
}

function oneOf<const T extends string>(value: unknown, allowed: readonly T[], file: string, key: string): T {
  const found = allowed.find((item) => item === value);
  if (found !== undefined) return found;
  throw new StartupError(`${file}: ${key} is '${String(value)}'`, `use one of ${allowed.join(', ')}`);
}

function declarations<T>(
  value: unknown,
  file: string,
  key: string,
  read: (value: unknown, key: string) => T,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(mapping(value, file, key)).map(([name, declared]) => [
      name,
      read(declared, `${key}.${name}`),
    ]),
  );
}

function numbersOf<const Key extends string>(
  value: unknown,
  file: string,
  key: string,
  keys: readonly Key[],
): Record<Key, number> {
  const numbers = keyed(value, file, key, keys);
  return Object.fromEntries(
    keys.map((name) => [name, countOf(numbers[name], file, `${key}.${name}`)]),
  ) as Record<Key, number>;
}

function scaleOf(value: unknown, file: string): Manifest['scale'] {
  const scale = numbersOf(value, file, 'scale', ['min', 'max']);
  if (scale.min <= scale.max) return scale;
  throw new StartupError(`${file}: scale.min is ${scale.min}, above scale.max`, 'make it scale.max or less');
}
