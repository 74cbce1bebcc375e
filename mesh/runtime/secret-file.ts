import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from './manifest.js';
import type { Random } from './ports.js';
import { StartupError } from './startup-error.js';

/**
 * Gives a service's secrets from `<folder>/<service>-<name>`, one file each; a file that is missing is made, readable
 * by its owner alone. A secret never comes from the environment.
 * @throws StartupError when a file can't be read, is readable by others, or has the wrong length.
 */
export function secretsOf(manifest: Manifest, folder: string, random: Random): (name: string) => Uint8Array {
  return (name) => {
    const declared = manifest.secrets[name];
    if (declared === undefined) {
      throw new StartupError(
        `services/${manifest.name}/service.yaml does not declare secret '${name}'`,
        'declare it under secrets: its service reads it',
      );
    }
    return readOrMakeSecret(join(folder, `${manifest.name}-${name}`), declared.bytes, random);
  };
}

/** Reads a secret of `length` bytes, or makes it. See {@link secretsOf}. */
export function readOrMakeSecret(path: string, length: number, random: Random): Uint8Array {
  let secret: Uint8Array;
  try {
    secret = readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new StartupError(
        `secret ${path} can't be read`,
        'make it readable by the user who runs the shop',
        { cause },
      );
    }
    secret = random.secretBytes(length);
    write(path, secret);
  }
  if (secret.length !== length) {
    throw new StartupError(
      `secret ${path} has ${secret.length} bytes instead of ${length}`,
      'restore it from a copy',
    );
  }
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
    throw new StartupError(`secret ${path} can be read by others`, `run chmod 600 ${path}`);
  }
  return secret;
}

/**
 * Reads a password, or makes it: text of 43 letters and digits that hold 32 bytes, so that other programs can read the
 * file too. See {@link secretsOf}.
 */
export function readOrMakePassword(path: string, random: Random): string {
  const text = (): Uint8Array => Buffer.from(Buffer.from(random.secretBytes(32)).toString('base64url'));
  return Buffer.from(readOrMakeSecret(path, 43, { ...random, secretBytes: text })).toString();
}

/** Whole or not at all: a crash in the middle must not leave half a key. */
function write(path: string, secret: Uint8Array): void {
  try {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
    const draft = `${path}.new`;
    const file = openSync(draft, 'w', 0o600);
    writeSync(file, secret);
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, path);
  } catch (cause) {
    throw new StartupError(`secret ${path} can't be written`, 'make its folder writable', { cause });
  }
}
