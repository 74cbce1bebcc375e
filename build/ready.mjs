// Installs and builds when something is missing or older than its source, says what takes longer than a moment,
// and does nothing (in a few milliseconds) when all is there. Plain JavaScript: it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const sources = ['mesh', 'services', 'witnesses', 'labs', 'conformance', 'proto/gen'];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old: install Node 20.19 or newer`);
}

const installed = join(root, 'node_modules', '.package-lock.json');
if (
  !existsSync(installed) ||
  statSync(installed).mtimeMs < statSync(join(root, 'package-lock.json')).mtimeMs
) {
  step('installing the dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  const now = new Date();
  utimesSync(installed, now, now);
}

const stamp = join(root, 'dist', '.built');
const newest = Math.max(
  ...['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'build', ...sources].map((path) =>
    newestIn(join(root, path)),
  ),
);
if (!existsSync(stamp) || statSync(stamp).mtimeMs < newest) {
  step('compiling', process.execPath, [
    join('node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.build.json',
  ]);
  step('bundling', process.execPath, [join('build', 'bundle.mjs')]);
  writeFileSync(stamp, '');
}

/** Modification time of the newest source file at or below a path, in milliseconds; 0 when there is none. */
function newestIn(path) {
  if (!existsSync(path)) return 0;
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs;
  // The folder's own time counts too, so that a deleted file is noticed.
  return readdirSync(path).reduce(
    (newestSoFar, name) => Math.max(newestSoFar, newestIn(join(path, name))),
    found.mtimeMs,
  );
}

function step(what, command, args) {
  const started = Date.now();
  process.stderr.write(`meshmart: ${what} ...\n`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error !== undefined || status !== 0)
    fail(`${what} failed${error === undefined ? '' : `: ${error.message}`}`);
  process.stderr.write(`meshmart: ${what} took ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

function fail(message) {
  process.stderr.write(`meshmart: ${message}\n`);
  process.exit(1);
}
