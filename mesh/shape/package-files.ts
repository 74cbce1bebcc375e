import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root.js';
import { StartupError } from '../runtime/startup-error.js';

/** The descriptor image of the contracts. */
export function readImage(): Uint8Array {
  try {
    return readFileSync(join(packageRoot(), 'proto', 'image.binpb'));
  } catch (cause) {
    throw new StartupError(
      "proto/image.binpb can't be read",
      'reinstall meshmart, or run proto/tools/generate.sh',
      { cause },
    );
  }
}

/** The version of this package. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
