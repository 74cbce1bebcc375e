import { type Command, switchOption } from './command.js';
import { countOption } from './count-option.js';

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
    const orders = countOption(args, 'orders', 200, 1, 100_000);
    const options = {
      seed: countOption(args, 'seed', 1, 0, 2 ** 31 - 1),
      orders,
      faults: countOption(args, 'faults', orders, 0, 1_000_000),
    };
    // Loaded here: no other command needs all services.
    const { replaySeed } = await import('../../conformance/simulation/replay-seed.js');
    return replaySeed({ ...options, json: switchOption(args, 'json') }, terminal.out);
  },
};
