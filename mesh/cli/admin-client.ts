import { type RunRecord, readRun } from '../runtime/data-folder.js';
import { StartupError } from '../runtime/startup-error.js';
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
export async function readAdmin(run: RunRecord, path: string): Promise<unknown> {
  const url = new URL(path, run.adminUrl);
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  } catch (cause) {
    throw new StartupError(`${url.href} does not answer`, 'look at the mesh with meshmart status', { cause });
  }
  const body = (await response.json().catch(() => ({}))) as { detail?: string };
  if (response.ok) return body;
  throw new StartupError(`${url.href} answered ${response.status}`, body.detail ?? 'look at the log');
}
