import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import type { LoadedShop } from '../../mesh/shape/loaded-shop.js';
import { dashboardFiles } from './dashboards.js';
import { serverFiles } from './server-files.js';
import { type ServiceContract, serviceContracts } from './service-contract.js';
import { serviceValues } from './service-values.js';
import { serviceSchema, shopSchema } from './values-schema.js';

/** Files of the charts that follow from manifests, contracts and the servers' settings: path below helm/ to text. */
export function chartFiles(shop: LoadedShop): ReadonlyMap<string, string> {
  const contracts = serviceContracts(shop);
  const names = contracts.map(({ name }) => name);
  return new Map([
    ...contracts.map((contract) => [`shop/services/${contract.name}.yaml`, serviceFile(contract)] as const),
    ...serverFiles(),
    ...dashboardFiles(),
    ['shop/values.schema.json', json(shopSchema(names))],
    ['service/values.schema.json', json(serviceSchema(names))],
    [
      'service/values.yaml',
      serviceValues(readFileSync(join(packageRoot(), 'helm/shop/values.yaml'), 'utf8')),
    ],
  ]);
}

/** Values for helm/service; the shop reads the same file. */
function serviceFile(contract: ServiceContract): string {
  const made = `# Made from services/${contract.name}/service.yaml and proto/ by: npm run helm:values\n`;
  return made + stringify({ service: contract }, { lineWidth: 0, aliasDuplicateObjects: false });
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
