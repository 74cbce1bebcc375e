import { StartupError } from '../../mesh/runtime/startup-error.js';

/** Settings of the service, in milliseconds. */
export interface InventorySettings {
  readonly reservationMs: number;
  readonly sweepMs: number;
}

const longestSeconds = 86_400;

/** @throws StartupError for a setting that is not a number of seconds above 0 and up to a day. */
export function readSettings(setting: (name: string) => string): InventorySettings {
  return {
    reservationMs: secondsOf(setting, 'reservationSeconds', 'INVENTORY_RESERVATION_SECONDS') * 1_000,
    sweepMs: secondsOf(setting, 'sweepSeconds', 'INVENTORY_SWEEP_SECONDS') * 1_000,
  };
}

function secondsOf(setting: (name: string) => string, name: string, variable: string): number {
  const text = setting(name).trim();
  const seconds = text === '' ? Number.NaN : Number(text);
  if (seconds > 0 && seconds <= longestSeconds) return seconds;
  throw new StartupError(`${variable} is '${text}'`, `give seconds above 0 and up to ${longestSeconds}`);
}
