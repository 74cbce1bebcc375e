import { numberSettings } from '../../mesh/runtime/number-setting.js';

/** Settings of the service, in the units it works with. */
export interface UsersSettings {
  readonly tokenLifetimeMs: number;
  readonly guestLifetimeMs: number;
  readonly hashesAtOnce: number;
  readonly hashesWaiting: number;
}

/** @throws StartupError for a setting that is not a number, or not one that the shop can work with. */
export function readSettings(setting: (name: string) => string): UsersSettings {
  const number = numberSettings('users', setting);
  return {
    tokenLifetimeMs: number('tokenMinutes', { least: 0.1, most: 525_600 }) * 60_000,
    guestLifetimeMs: number('guestTokenDays', { least: 0.001, most: 365 }) * 86_400_000,
    hashesAtOnce: number('hashesAtOnce', { least: 1, most: 64, whole: true }),
    hashesWaiting: number('hashesWaiting', { least: 0, most: 10_000, whole: true }),
  };
}
