import { StartupError } from '../runtime/startup-error.js';
import { type Command, type CommandArguments, switchOption, textOption } from './command.js';

/** `meshmart sim`: one seed of the simulation, again and exactly. */
export const sim: Command = {
  name: 'sim',
  summary: 'Replay one seed of the simulation: the whole shop on virtual time, under faults.',
  usage: '[OPTIONS]',
  options: {
    seed: { type: 'string', value: 'N', about: 'The seed; the same one gives the same run. Default 1.' },
    orders: { type: 'string', value: 'N', about: 'Purchases. Default 200.' },
    faults: { type: 'string', value: 'N', about: 'Faults. Default as many as purchases.' },
    json: { type: 'boolean', about: 'Print {seed, traceHash, orders, faults, violations} as JSON.' },
  },
  examples: ['meshmart sim --seed 7', 'meshmart sim --seed 7 --orders 500 --faults 1000 --json'],
  run: async (args, terminal) => {
    const orders = countOf(args, 'orders', 200, 1, 100_000);
    const options = {
      seed: countOf(args, 'seed', 1, 0, 2 ** 31 - 1),
      orders,
      faults: countOf(args, 'faults', orders, 0, 1_000_000),
    };
    // Loaded here: no other command needs all services.
    const { replaySeed } = await import('../../conformance/simulation/replay-seed.js');
    return replaySeed({ ...options, json: switchOption(args, 'json') }, terminal.out);
  },
};

function countOf(
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
