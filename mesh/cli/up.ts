import { sharedBuses } from '../bus/shared-bus.js';
import { StartupError } from '../runtime/startup-error.js';
import type { RunningMesh } from '../shape/running-mesh.js';
import { type Command, type CommandArguments, type Terminal, textOption } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';
import { welcome } from './welcome.js';

/** `meshmart up`: starts the shop and stays until it is told to stop. */
export const up: Command = {
  name: 'up',
  summary: 'Start the whole shop, with the card processor and the mail sink beside it.',
  usage: '[OPTIONS]',
  options: {
    data: dataOption,
    shape: {
      type: 'string',
      value: 'SHAPE',
      about:
        'one-process, or processes: one for each service, with Consul, Redis, Jaeger and Prometheus. Default one-process.',
    },
    store: {
      type: 'string',
      value: 'STORE',
      about:
        'sqlite, a file for each service, or postgres, a database for each; needs processes. Default sqlite.',
    },
    bus: {
      type: 'string',
      value: 'BUS',
      about: `What carries events between processes: ${sharedBuses.join(', ')}. Default redis.`,
    },
    scale: {
      type: 'string',
      multiple: true,
      value: 'SERVICE=COUNT',
      about: 'How many instances of a service to run, where each is a process; may be repeated.',
    },
  },
  examples: [
    'meshmart up',
    'meshmart up --shape processes --scale catalog=3',
    'meshmart up --shape processes --store postgres --bus kafka',
    'PORT=8081 GRPC_PORT=50052 ADMIN_PORT=9465 MESHMART_DATA=/tmp/second meshmart up',
  ],
  run: async (args, terminal) => {
    const stopping = stopRequested(terminal);
    const slow = setTimeout(() => terminal.err('meshmart: starting ...\n'), 1_000);
    const mesh = await start(args, terminal).finally(() => clearTimeout(slow));
    terminal.out(welcome(mesh));
    await stopping;
    await mesh.stop();
    // All is closed. A connection that node:cluster was handing to a gateway when that was killed stays open for ever, and
    // would keep this process.
    setTimeout(() => process.exit(0), endWithinMs).unref();
    return 0;
  },
};

/** How long what is left may keep the process when everything is stopped, in milliseconds. */
const endWithinMs = 500;

const shapes = ['one-process', 'processes'] as const;

/** Starts the shape that was asked for. Each is loaded only then: one process must not pay for the others. */
async function start(args: CommandArguments, terminal: Terminal): Promise<RunningMesh> {
  const asked = textOption(args, 'shape') ?? 'one-process';
  const shape = shapes.find((known) => known === asked);
  const scale = (args.values['scale'] as string[] | undefined) ?? [];
  const store = textOption(args, 'store') ?? 'sqlite';
  const askedBus = textOption(args, 'bus');
  const bus = sharedBuses.find((known) => known === (askedBus ?? 'redis'));
  const options = {
    dataFolder: dataFolderOf(args, terminal),
    environment: terminal.environment,
    tell: (line: string) => terminal.err(`meshmart: ${line}\n`),
  };
  switch (shape) {
    case 'one-process': {
      if (scale.length > 0)
        throw new StartupError('--scale needs processes', 'add --shape processes, or leave --scale out');
      if (store !== 'sqlite')
        throw new StartupError(
          `--store ${store} needs processes`,
          'add --shape processes, or leave --store out',
        );
      if (askedBus !== undefined)
        throw new StartupError('--bus needs processes', 'add --shape processes, or leave --bus out');
      const { startOneProcess } = await import('../shape/one-process.js');
      return startOneProcess(options);
    }
    case 'processes': {
      if (bus === undefined)
        throw new StartupError(`there is no bus '${askedBus}'`, `use one of ${sharedBuses.join(', ')}`);
      const { startProcesses } = await import('../shape/processes/mesh-of-processes.js');
      const { storeKinds } = await import('../shape/processes/service-store.js');
      const known = storeKinds.find((kind) => kind === store);
      if (known === undefined)
        throw new StartupError(`there is no store '${store}'`, `use one of ${storeKinds.join(', ')}`);
      return startProcesses({ ...options, scale, store: known, bus });
    }
    case undefined:
      throw new StartupError(`there is no shape '${asked}'`, `use one of ${shapes.join(', ')}`);
    default:
      return shape satisfies never;
  }
}

/**
 * Resolves at the first Ctrl-C or SIGTERM, which may come while the shop still starts: it then stops once it has. The second
 * ends this process at once.
 */
function stopRequested(terminal: Pick<Terminal, 'err'>): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const [signal, exitCode] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      process.on(signal, () => {
        if (asked) process.exit(exitCode);
        asked = true;
        terminal.err(`meshmart: ${signal}, finishing what is in flight (again to end at once)\n`);
        resolve();
      });
    }
  });
}
