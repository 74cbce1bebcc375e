import { environmentName } from './manifest.js';
import { StartupError } from './startup-error.js';

/** Which numbers a service can work with. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
  /** True for whole numbers only. Default false. */
  readonly whole?: boolean;
}

/**
 * Reads settings that are numbers.
 * @param service folder name, for the name of the variable in the message.
 * @param setting gives a setting's text by its name, as {@link import('./service.js').ServicePorts.setting} does.
 * @returns a function that throws StartupError for a text that is no number, or not one of the range.
 */
export function numberSettings(
  service: string,
  setting: (name: string) => string,
): (name: string, range: NumberRange) => number {
  return (name, { least, most, whole = false }) => {
    const text = setting(name).trim();
    const value = text === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    const variable = environmentName(service, name, { default: '', about: '' });
    const kind = whole ? 'a whole number' : 'a number';
    throw new StartupError(`${variable} is '${text}'`, `give ${kind} from ${least} to ${most}`);
  };
}
