import type { Manifest } from '../../runtime/manifest.js';
import { StartupError } from '../../runtime/startup-error.js';

/** One process that shall run: the `number`th instance of a service, counted from 1. */
export interface PlannedInstance {
  readonly service: string;
  readonly number: number;
}

/** How many instances of a service shall run, by service; a service that is absent runs as many as its manifest's least. */
export type Scale = Readonly<Record<string, number>>;

/**
 * Reads `--scale catalog=3` options.
 * @throws StartupError that names the option, for an unknown service, a number that is none, or one above the manifest's
 * `scale.max`.
 */
export function parseScale(options: readonly string[], manifests: readonly Manifest[]): Scale {
  const scale: Record<string, number> = {};
  for (const option of options) {
    const match = /^([a-z-]+)=(\d{1,3})$/.exec(option);
    if (match === null) throw new StartupError(`--scale is '${option}'`, 'write it as --scale catalog=3');
    const [, service = '', digits] = match;
    const manifest = manifests.find(({ name }) => name === service);
    if (manifest === undefined) {
      throw new StartupError(
        `--scale names '${service}', which is no service`,
        `use one of ${manifests.map(({ name }) => name).join(', ')}`,
      );
    }
    const count = Number(digits);
    if (count < 1 || count > manifest.scale.max) {
      throw new StartupError(
        `--scale asks for ${count} of ${service}`,
        `give 1 to ${manifest.scale.max}, as services/${service}/service.yaml allows`,
      );
    }
    scale[service] = count;
  }
  return scale;
}

/** The processes that shall run, in the order of their start: the gateway last, because it waits for all others. */
export function planInstances(manifests: readonly Manifest[], scale: Scale): PlannedInstance[] {
  const atEdge = (manifest: Manifest) => manifest.implements.length === 0;
  return [...manifests]
    .sort((left, right) => Number(atEdge(left)) - Number(atEdge(right)))
    .flatMap(({ name, scale: declared }) =>
      Array.from({ length: scale[name] ?? declared.min }, (_, index) => ({
        service: name,
        number: index + 1,
      })),
    );
}
