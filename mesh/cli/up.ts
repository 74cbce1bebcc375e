import { StartupError } from '../runtime/startup-error.js';
import { startOneProcess } from '../shape/one-process.js';
import { type Command, textOption } from './command.js';
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
      about: 'one-process: all services in this process. Default one-process.',
    },
  },
  examples: [
    'meshmart up',
    'PORT=8081 GRPC_PORT=50052 ADMIN_PORT=9465 MESHMART_DATA=/tmp/second meshmart up',
  ],
  run: async (args, terminal) => {
    const shape = textOption(args, 'shape') ?? 'one-process';
    if (shape !== 'one-process') throw new StartupError(`there is no shape '${shape}'`, 'use one-process');
    const stopping = stopRequested();
    const slow = setTimeout(() => terminal.err('meshmart: starting ...\n'), 1_000);
    const mesh = await startOneProcess({
      dataFolder: dataFolderOf(args, terminal),
      environment: terminal.environment,
    }).finally(() => clearTimeout(slow));
    terminal.out(welcome(mesh));
    const signal = await stopping;
    terminal.err(`meshmart: ${signal}, finishing what is in flight (again to end at once)\n`);
    process.once('SIGINT', () => process.exit(130));
    process.once('SIGTERM', () => process.exit(143));
    await mesh.stop();
    return 0;
  },
};

function stopRequested(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
        resolve(signal);
      });
    }
  });
}
