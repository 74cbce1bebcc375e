import { StartupError } from '../runtime/startup-error.js';
import { type CommandArguments, textOption } from './command.js';

/** A whole number that an option gives. @throws StartupError that names the option and the range. */
export function countOption(
  args: CommandArguments,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const text = textOption(args, name);
  if (text === undefined) return fallback;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new StartupError(`--${name} is '${text}'`, `give a whole number from ${least} to ${most}`);
}
