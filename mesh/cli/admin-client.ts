import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { machineAmbient } from '../runtime/ambient.js';
import { type RunRecord, readRun } from '../runtime/data-folder.js';
import { StartupError } from '../runtime/startup-error.js';
import { readAdminToken } from '../shape/admin-access.js';
import { isAlive } from './down.js';

/** The mesh that runs on a data folder. @throws StartupError when none does. */
export function runningMesh(folder: string): RunRecord {
  const run = readRun(folder);
  if (run !== undefined && isAlive(run.pid)) return run;
  throw new StartupError(
    `no mesh runs on the data folder ${folder}`,
    'start one with meshmart up, or name its folder with --data',
  );
}

/**
 * Reads JSON from the admin port of a running mesh.
 * @throws StartupError when the port does not answer within 5 s, or answers with an error.
 */
export function readAdmin(run: RunRecord, path: string): Promise<unknown> {
  return ask(new URL(path, run.adminUrl), {});
}

/**
 * Asks the admin port for what only operators may have, with the token of the data folder.
 * @throws StartupError when the folder has no token that can be read, and as `readAdmin`.
 */
export function askAsOperator(
  run: RunRecord,
  folder: string,
  method: 'GET' | 'POST',
  path: string,
): Promise<unknown> {
  const secrets = join(resolve(folder), 'secrets');
  if (!existsSync(join(secrets, 'admin-token')))
    throw new StartupError(
      `there is no admin-token in ${secrets}`,
      'name the data folder of the mesh with --data',
    );
  const authorization = `Bearer ${readAdminToken(secrets, machineAmbient().random)}`;
  return ask(new URL(path, run.adminUrl), { method, headers: { authorization } });
}

async function ask(url: URL, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal: AbortSignal.timeout(5_000) });
  } catch (cause) {
    throw new StartupError(`${url.href} does not answer`, 'look at the mesh with meshmart status', { cause });
  }
  const body = (await response.json().catch(() => ({}))) as { title?: string; detail?: string };
  if (response.ok) return body;
  throw new StartupError(
    body.title ?? `${url.href} answered ${response.status}`,
    body.detail ?? 'look at the log',
  );
}
