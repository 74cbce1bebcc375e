import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machineAmbient } from '../../mesh/runtime/ambient.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { shopSecrets } from './shop-secrets.js';

// npm run --silent helm:secrets -- [--jwks FILE] | kubectl apply --namespace shop --filename -
const { values } = parseArgs({ options: { jwks: { type: 'string' } } });
const { manifests, jwks } = shopSecrets(loadShop(), machineAmbient().random);
if (values.jwks !== undefined) writeFileSync(values.jwks, `${jwks}\n`);
process.stdout.write(manifests);
