import { execFileSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StartupError } from '../../runtime/startup-error.js';
import type { RunAs, ServerKind } from './server-kind.js';

/**
 * Who a server that refuses to run as the superuser runs as; undefined where this process is no superuser, or the server does
 * not mind.
 * @throws StartupError when the system has no such user.
 */
export function runAsOf(kind: Pick<ServerKind, 'name' | 'user' | 'addressVariable'>): RunAs | undefined {
  const { name, user, addressVariable } = kind;
  if (user === undefined || process.geteuid?.() !== 0) return undefined;
  const idOf = (what: '-u' | '-g') =>
    Number(execFileSync('id', [what, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch (cause) {
    throw new StartupError(
      `${name} refuses to run as root, and there is no user ${user}`,
      `start the shop as another user, make a user ${user}, or name a ${name} that runs with ${addressVariable}`,
      { cause },
    );
  }
}

/**
 * Lets another user pass through a data folder to what is its own there; what is not its own stays closed, because every
 * folder in it is.
 * @throws StartupError when it can't pass a folder above.
 */
export function letThrough(folder: string, runAs: RunAs, kind: Pick<ServerKind, 'name' | 'user'>): void {
  chmodSync(folder, statSync(folder).mode | 0o011);
  for (let above = dirname(folder); ; above = dirname(above)) {
    if (!mayPass(above, runAs)) {
      throw new StartupError(
        `${kind.name} runs as the user ${kind.user}, who can't pass ${above} to the data folder ${folder}`,
        'name a data folder elsewhere with MESHMART_DATA, or start the shop as a user other than root',
      );
    }
    if (above === dirname(above)) return;
  }
}

function mayPass(folder: string, { uid, gid }: RunAs): boolean {
  const { mode, uid: owner, gid: group } = statSync(folder);
  if (owner === uid) return (mode & 0o100) !== 0;
  if (group === gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}
