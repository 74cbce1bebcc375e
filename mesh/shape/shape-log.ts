import type { DataFiles } from '../runtime/data-folder.js';
import { type Environment, wordOf } from '../runtime/setting.js';
import { logLevels, type OpenLog, openLog } from '../telemetry/log.js';

/**
 * The log of a process: `<data>/logs/<name>.jsonl`, or standard output with LOG_DESTINATION=stdout; LOG_LEVEL chooses what
 * is written (default info).
 * @param name of the process: `shop` where there is one, else the instance.
 * @throws StartupError
 */
export function openShapeLog(data: DataFiles, environment: Environment, name = 'shop'): OpenLog {
  const destination = wordOf(environment, 'LOG_DESTINATION', ['file', 'stdout'], 'file');
  return openLog({
    destination: destination === 'stdout' ? 'stdout' : { file: data.file('logs', `${name}.jsonl`) },
    level: wordOf(environment, 'LOG_LEVEL', logLevels, 'info'),
    clock: { nowMs: () => Date.now() },
  });
}
