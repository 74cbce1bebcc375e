import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Contract, loadContract } from '../contract/image.js';
import { type Policies, readPolicies } from '../contract/policy.js';
import { createValidator, type Validator } from '../contract/validation.js';
import type { EdgeService } from '../runtime/edge.js';
import type { Manifest } from '../runtime/manifest.js';
import { readManifests } from '../runtime/manifest-file.js';
import { packageRoot } from '../runtime/package-root.js';
import type { Service } from '../runtime/service.js';
import { StartupError } from '../runtime/startup-error.js';
import { type CallPolicy, createCallPolicy } from '../security/authority.js';
import { readImage, readVersion } from './package-files.js';

/** What every shape starts from: the contracts, the manifests, and what follows from them. */
export interface LoadedShop {
  readonly version: string;
  readonly contract: Contract;
  readonly policies: Policies;
  readonly validator: Validator;
  /** Sorted by name. */
  readonly manifests: readonly Manifest[];
  /** Who may call what. */
  readonly callPolicy: CallPolicy;
  /** Proto service to the folder that implements it. */
  readonly owners: ReadonlyMap<string, string>;
}

/** Reads contracts and manifests. @throws StartupError that names the file and the mend. */
export function loadShop(servicesFolder: string = join(packageRoot(), 'services')): LoadedShop {
  const contract = loadContract(readImage());
  const policies = readPolicies(contract);
  const hasMessage = (name: string) => contract.registry.getMessage(name) !== undefined;
  const manifests = readManifests(servicesFolder, { policies, hasMessage });
  return {
    version: readVersion(),
    contract,
    policies,
    validator: createValidator(contract),
    manifests,
    callPolicy: createCallPolicy(Object.fromEntries(manifests.map(({ name, calls }) => [name, calls]))),
    owners: new Map(
      manifests.flatMap((manifest) =>
        manifest.implements.map((service) => [service, manifest.name] as const),
      ),
    ),
  };
}

/** The services that consume events: each is a group of the bus. */
export function consumersOf(manifests: readonly Manifest[]): readonly string[] {
  return manifests.filter(({ consumes }) => Object.keys(consumes).length > 0).map(({ name }) => name);
}

/** The code of one service folder: a service, or the one at the edge. */
export interface LoadedModule {
  readonly manifest: Manifest;
  readonly service: Service | undefined;
  readonly edge: EdgeService | undefined;
}

/** Loads `services/<name>/service`. @throws StartupError when it is not built or exports neither service nor edge. */
export async function loadModule(manifest: Manifest): Promise<LoadedModule> {
  const path = ['js', 'ts']
    .map((ending) => new URL(`../../services/${manifest.name}/service.${ending}`, import.meta.url))
    .find((candidate) => existsSync(candidate));
  if (path === undefined)
    throw new StartupError(`services/${manifest.name} is not built`, 'run npm run build');
  const module = (await import(pathToFileURL(path.pathname).href)) as {
    service?: Service;
    edge?: EdgeService;
  };
  if (module.service === undefined && module.edge === undefined) {
    throw new StartupError(
      `services/${manifest.name}/service exports neither service nor edge`,
      'export one of them',
    );
  }
  return { manifest, service: module.service, edge: module.edge };
}
