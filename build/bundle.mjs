// Puts what meshmart loads into a few files: most of a start went into finding and opening some 600 modules, and of the mesh
// of processes ten start together. The modules themselves stay beside it in dist/.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;

// Chunks carry a hash in their names: those of earlier builds would stay for ever.
rmSync(join(root, 'dist', 'bundle'), { recursive: true, force: true });

await build({
  absWorkingDir: root,
  entryPoints: [
    'dist/mesh/cli/main.js',
    ...['card-processor', 'mail-sink'].map((name) => `dist/witnesses/${name}/main.js`),
    ...readdirSync(join(root, 'dist', 'services')).map((name) => `dist/services/${name}/service.js`),
  ],
  outbase: 'dist',
  outdir: 'dist/bundle',
  // As deep as the modules that they come from: these find services/ from where they are.
  chunkNames: 'mesh/chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Not keepNames: it names each function again whenever one is made, many times an order.
  // The first finds its binary beside itself. The second reads its Thrift files from there, and what it is made of writes to
  // what can only be read, which is passed over in its own modules and an error in the strict ones of a bundle. The third is
  // not there, and pg asks for it only where it is wanted.
  external: ['@photostructure/sqlite', '@opentelemetry/exporter-jaeger', 'pg-native'],
  // What CommonJS packages call to load Node's own modules.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
});
