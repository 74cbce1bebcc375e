import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { chartFiles } from './chart-files.js';

// Run by `npm run helm:values` after a change of a manifest, a contract or a server's settings; a test tells when that was forgotten.
const helm = join(packageRoot(), 'helm');
const services = join(helm, 'shop', 'services');
mkdirSync(services, { recursive: true });
for (const name of readdirSync(services)) rmSync(join(services, name));
for (const [path, text] of chartFiles(loadShop())) {
  mkdirSync(dirname(join(helm, path)), { recursive: true });
  writeFileSync(join(helm, path), text);
}
