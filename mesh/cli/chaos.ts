import { sharedBuses } from '../bus/shared-bus.js';
import { StartupError } from '../runtime/startup-error.js';
import { type Command, switchOption, textOption } from './command.js';
import { countOption } from './count-option.js';

const stores = ['postgres', 'sqlite'] as const;

/** `meshmart chaos`: purchases against real processes that are killed, stopped and cut off, and a verdict. */
export const chaos: Command = {
  name: 'chaos',
  summary:
    'Sell while processes are killed, stopped and cut off from each other, and judge what became of the orders.',
  usage: '[OPTIONS]',
  options: {
    orders: { type: 'string', value: 'N', about: 'Purchases, those of a flash sale included. Default 2000.' },
    faults: { type: 'string', value: 'N', about: 'Faults. Default a tenth of the purchases.' },
    duplicates: {
      type: 'string',
      value: 'N',
      about: 'Events delivered again. Default as many as purchases.',
    },
    seed: { type: 'string', value: 'N', about: 'Draws purchases and faults. Default 1.' },
    rate: { type: 'string', value: 'N', about: 'Purchases that arrive in a second. Default 8.' },
    store: { type: 'string', value: 'STORE', about: `${stores.join(' or ')}. Default ${stores[0]}.` },
    bus: { type: 'string', value: 'BUS', about: `${sharedBuses.join(', ')}. Default ${sharedBuses[0]}.` },
    scale: {
      type: 'string',
      multiple: true,
      value: 'SERVICE=COUNT',
      about: 'Instances of a service; may be repeated. Default two of gateway, order, payment and inventory.',
    },
    minutes: {
      type: 'string',
      value: 'N',
      about: 'The run may take so long, and is broken off after twice that. Default 5.',
    },
    report: { type: 'string', value: 'FILE', about: 'Write the verdict into a file as well.' },
    keep: { type: 'boolean', about: 'Keep histories and logs also when all is well.' },
    check: {
      type: 'string',
      value: 'FOLDER',
      about: 'Run nothing: judge what an earlier run left in a folder.',
    },
    json: { type: 'boolean', about: 'Print the verdict as JSON.' },
  },
  examples: [
    'meshmart chaos --orders 200 --faults 20',
    'meshmart chaos --orders 10000 --faults 1000 --minutes 30 --report docs/reports/chaos.md',
    'meshmart chaos --check /tmp/meshmart-chaos-1234 --json',
  ],
  run: async (args, terminal) => {
    const orders = countOption(args, 'orders', 2_000, 20, 100_000);
    const scale = (args.values['scale'] as string[] | undefined) ?? [
      'gateway=2',
      'order=2',
      'payment=2',
      'inventory=2',
    ];
    const word = <T extends string>(name: string, words: readonly [T, ...T[]]): T => {
      const text = textOption(args, name) ?? words[0];
      const found = words.find((known) => known === text);
      if (found === undefined)
        throw new StartupError(`--${name} is '${text}'`, `use one of ${words.join(', ')}`);
      return found;
    };
    const options = {
      orders,
      faults: countOption(args, 'faults', Math.round(orders / 10), 0, 100_000),
      duplicates: countOption(args, 'duplicates', orders, 0, 1_000_000),
      seed: countOption(args, 'seed', 1, 0, 2 ** 31 - 1),
      ratePerSecond: countOption(args, 'rate', 8, 1, 1_000),
      store: word('store', stores),
      bus: word('bus', sharedBuses),
      scale,
      withinMs: countOption(args, 'minutes', 5, 1, 600) * 60_000,
    };
    const telling = {
      report: textOption(args, 'report'),
      keep: switchOption(args, 'keep'),
      json: switchOption(args, 'json'),
    };
    // Loaded here: no other command needs it.
    const { chaosRun, judgeAgain } = await import('../../conformance/chaos/chaos-run.js');
    const folder = textOption(args, 'check');
    if (folder !== undefined) return judgeAgain(folder, telling, terminal);
    return chaosRun(options, telling, terminal, process);
  },
};
