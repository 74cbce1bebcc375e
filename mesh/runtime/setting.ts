import { environmentName, type Manifest } from './manifest.js';
import { StartupError } from './startup-error.js';

/** Environment variables as they were given to the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Gives a service's settings: the environment wins, then what the launcher found out, then the manifest's default.
 * @param found values by environment name that the launcher knows, such as the address of a witness that it started.
 * @throws StartupError for a setting that the manifest does not declare.
 */
export function settingsOf(
  manifest: Manifest,
  environment: Environment,
  found: Environment,
): (name: string) => string {
  return (name) => {
    const declared = manifest.settings[name];
    if (declared === undefined) {
      throw new StartupError(
        `services/${manifest.name}/service.yaml does not declare setting '${name}'`,
        'declare it under settings: its service reads it',
      );
    }
    const variable = environmentName(manifest.name, name, declared);
    return textOf(environment[variable]) ?? textOf(found[variable]) ?? declared.default;
  };
}

/** An empty variable counts as absent: `PORT= make run` means the default. */
function textOf(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}

/**
 * Reads a port number.
 * @param variable the environment variable, for the message.
 * @throws StartupError when it is not a whole number from 0 to 65535. 0 means any free port.
 */
export function portOf(environment: Environment, variable: string, fallback: number): number {
  const text = textOf(environment[variable]);
  if (text === undefined) return fallback;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 0 && port <= 65_535) return port;
  throw new StartupError(`${variable} is '${text}'`, 'give a port from 0 to 65535');
}

/** Reads one of several words. @throws StartupError that lists them. */
export function wordOf<const T extends string>(
  environment: Environment,
  variable: string,
  words: readonly T[],
  fallback: T,
): T {
  const text = textOf(environment[variable]) ?? fallback;
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  throw new StartupError(`${variable} is '${text}'`, `use one of ${words.join(', ')}`);
}

/**
 * Reads the address of a server outside.
 * @param example a URL of the right form, for the message; others must begin as it does, with or without `s` for TLS.
 * @returns undefined when the variable is absent or empty.
 * @throws StartupError for what is no URL, or one of another kind.
 */
export function urlOf(environment: Environment, variable: string, example: string): string | undefined {
  const text = textOf(environment[variable]);
  if (text === undefined) return undefined;
  const scheme = example.slice(0, example.indexOf(':'));
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.hostname !== '' && [`${scheme}:`, `${scheme}s:`].includes(url.protocol))
    return text;
  throw new StartupError(`${variable} is '${text}'`, `give a URL such as ${example}`);
}

/** A part of a URL without its percent signs; undefined when they stand for nothing. */
export function decodedPart(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
