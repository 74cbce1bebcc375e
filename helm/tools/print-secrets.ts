import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machineAmbient } from '../../mesh/runtime/ambient.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { type SecretData, shopSecrets } from './shop-secrets.js';

// npm run --silent helm:secrets -- [--jwks FILE] [--existing FILE] | kubectl apply --namespace shop --filename -
// The file of those that exist is what `kubectl get secrets --output json` prints.
const { values } = parseArgs({ options: { jwks: { type: 'string' }, existing: { type: 'string' } } });
const { manifests, jwks } = shopSecrets(
  loadShop(),
  machineAmbient().random,
  existingSecrets(values.existing),
);
if (values.jwks !== undefined) writeFileSync(values.jwks, `${jwks}\n`);
process.stdout.write(manifests);

/** Ends the process with a line that says what is wrong with the file. */
function existingSecrets(file: string | undefined): ReadonlyMap<string, SecretData> {
  if (file === undefined) return new Map();
  try {
    const { items } = JSON.parse(readFileSync(file, 'utf8')) as {
      items: { metadata: { name: string }; data?: SecretData }[];
    };
    return new Map(items.map(({ metadata, data = {} }) => [metadata.name, data]));
  } catch (error) {
    console.error(
      `helm:secrets: --existing ${file} is not what kubectl get secrets --output json prints: ${(error as Error).message}`,
    );
    process.exit(1);
  }
}
