import { StartupError } from '../runtime/startup-error.js';
import { loadShop } from '../shape/loaded-shop.js';
import { startInstance } from '../shape/processes/instance.js';
import { instanceLife } from '../shape/processes/instance-life.js';
import type { Command } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';

/** `meshmart serve SERVICE`: one instance of one service, in this process. What the manifests start. */
export const serve: Command = {
  name: 'serve',
  summary:
    'Run one instance of one service, registered in Consul; meshmart up --shape processes starts these.',
  usage: 'SERVICE [OPTIONS]',
  options: { data: dataOption },
  examples: [
    'meshmart serve catalog',
    'CONSUL_HTTP_ADDR=127.0.0.1:8500 REDIS_URL=redis://127.0.0.1:6379 meshmart serve cart',
  ],
  run: async (args, terminal) => {
    const shop = loadShop();
    const [name] = args.positionals;
    const manifest = shop.manifests.find((candidate) => candidate.name === name);
    if (manifest === undefined) {
      const names = shop.manifests.map((candidate) => candidate.name).join(', ');
      throw new StartupError(
        name === undefined ? 'serve needs a service' : `there is no service '${name}'`,
        `use one of ${names}`,
      );
    }
    return instanceLife(process, terminal, (id) =>
      startInstance({
        shop,
        manifest,
        id,
        dataFolder: dataFolderOf(args, terminal),
        environment: terminal.environment,
      }),
    );
  },
};
