import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from './manifest.js';
import type { Random } from './ports.js';
import { readOrMakeSecret } from './secret-file.js';
import type { Environment } from './setting.js';
import { StartupError } from './startup-error.js';

/** Gives a secret of `bytes` bytes by the name of its file. @throws StartupError */
export type SecretSource = (file: string, bytes: number) => Uint8Array;

/**
 * Where secrets come from: the folder that MESHMART_SECRETS names, which is only read, as a Secret of Kubernetes is mounted;
 * else `<data>/secrets`, where what is missing is made.
 * @param made that folder.
 */
export function secretSource(environment: Environment, made: string, random: Random): SecretSource {
  const mounted = environment['MESHMART_SECRETS'] || undefined;
  return mounted === undefined
    ? (file, bytes) => readOrMakeSecret(join(made, file), bytes, random)
    : (file, bytes) => readMountedSecret(join(mounted, file), bytes);
}

/** The secrets that a manifest declares: `<service>-<name>` each. @throws StartupError for one that it does not. */
export function declaredSecrets(manifest: Manifest, source: SecretSource): (name: string) => Uint8Array {
  return (name) => {
    const declared = manifest.secrets[name];
    if (declared !== undefined) return source(`${manifest.name}-${name}`, declared.bytes);
    throw new StartupError(
      `services/${manifest.name}/service.yaml does not declare secret '${name}'`,
      'declare it under secrets: its service reads it',
    );
  };
}

/**
 * Reads a secret that somebody else keeps. Its group may read it, because that is how a pod gets it; nobody else may.
 * @throws StartupError when it is missing, can't be read, is open to others, or has the wrong length.
 */
export function readMountedSecret(path: string, length: number): Uint8Array {
  let secret: Uint8Array;
  let mode: number;
  try {
    secret = readFileSync(path);
    ({ mode } = statSync(path));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw code === 'ENOENT'
      ? new StartupError(`secret ${path} is missing`, 'put it into the Secret that is mounted there', {
          cause,
        })
      : new StartupError(
          `secret ${path} can't be read (${code})`,
          "make it readable by the process's group",
          { cause },
        );
  }
  if (secret.length !== length)
    throw new StartupError(
      `secret ${path} has ${secret.length} bytes instead of ${length}`,
      'mount the right one',
    );
  if (process.platform !== 'win32' && (mode & 0o027) !== 0)
    throw new StartupError(
      `secret ${path} can be read by others, or written by its group`,
      'mount it with mode 0440',
    );
  return secret;
}
