// Copies what the bundle leaves outside, with all that it needs, to a folder for the image: `node build/image-modules.mjs OUT`.
// The bundle has everything else in it, so that an image is a sixth of what all dependencies would make it.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { arch, argv, platform } from 'node:process';

const root = new URL('..', import.meta.url).pathname;
const out = argv[2];
if (out === undefined) throw new Error('name the folder to copy to');
const outside = ['@photostructure/sqlite', '@opentelemetry/exporter-jaeger'];

/** Where Node finds a package from a folder: in the nearest node_modules above it. */
function folderOf(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

const wanted = new Set();
function want(name, from, optional) {
  const folder = folderOf(name, from);
  if (folder === undefined && optional) return;
  if (folder === undefined) throw new Error(`${name} is not installed: run npm ci`);
  if (wanted.has(folder)) return;
  wanted.add(folder);
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  for (const next of Object.keys(dependencies)) want(next, folder, next in optionalDependencies);
}
for (const name of outside) want(name, root, false);

for (const folder of wanted) {
  cpSync(folder, join(out, relative(join(root, 'node_modules'), folder)), {
    recursive: true,
    // A package of its own inside another is copied for itself, when it is wanted.
    filter: (source) => source === folder || !source.slice(folder.length).includes('/node_modules/'),
  });
}
// SQLite comes with its C source, and built for each platform.
const sqlite = join(out, '@photostructure', 'sqlite');
rmSync(join(sqlite, 'src'), { recursive: true, force: true });
for (const built of readdirSync(join(sqlite, 'prebuilds')))
  if (built !== `${platform}-${arch}`) rmSync(join(sqlite, 'prebuilds', built), { recursive: true });
