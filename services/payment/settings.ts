import { numberSettings } from '../../mesh/runtime/number-setting.js';

/** Longest wait for one answer of the card processor, in milliseconds. @throws StartupError for what is no such number. */
export function processorTimeout(setting: (name: string) => string): number {
  return numberSettings('payment', setting)('processorTimeoutMs', { least: 1, most: 60_000 });
}
