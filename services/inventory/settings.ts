import { numberSettings } from '../../mesh/runtime/number-setting.js';

/** Settings of the service, in milliseconds. */
export interface InventorySettings {
  readonly reservationMs: number;
  readonly sweepMs: number;
}

/** Up to a day. */
const seconds = { least: 0.001, most: 86_400 };

/** @throws StartupError for a setting that is not such a number of seconds. */
export function readSettings(setting: (name: string) => string): InventorySettings {
  const number = numberSettings('inventory', setting);
  return {
    reservationMs: number('reservationSeconds', seconds) * 1_000,
    sweepMs: number('sweepSeconds', seconds) * 1_000,
  };
}
