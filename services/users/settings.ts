import { StartupError } from '../../mesh/runtime/startup-error.js';

/** Settings of the service, in the units it works with. */
export interface UsersSettings {
  readonly tokenLifetimeMs: number;
  readonly guestLifetimeMs: number;
  readonly hashesAtOnce: number;
  readonly hashesWaiting: number;
}

/** @throws StartupError for a setting that is not a number, or not one that the shop can work with. */
export function readSettings(setting: (name: string) => string): UsersSettings {
  const number = (name: string, variable: string, least: number, most: number, whole: boolean) => {
    const text = setting(name).trim();
    const value = text === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    const kind = whole ? 'a whole number' : 'a number';
    throw new StartupError(`${variable} is '${text}'`, `give ${kind} from ${least} to ${most}`);
  };
  return {
    tokenLifetimeMs: number('tokenMinutes', 'USERS_TOKEN_MINUTES', 0.1, 525_600, false) * 60_000,
    guestLifetimeMs: number('guestTokenDays', 'USERS_GUEST_TOKEN_DAYS', 0.001, 365, false) * 86_400_000,
    hashesAtOnce: number('hashesAtOnce', 'USERS_HASHES_AT_ONCE', 1, 64, true),
    hashesWaiting: number('hashesWaiting', 'USERS_HASHES_WAITING', 0, 10_000, true),
  };
}
