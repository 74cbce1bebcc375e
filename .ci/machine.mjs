// Watches this machine while a command runs, and tells at its end what it gave: how busy its processors were, how long the
// disk took to sync 4 KiB, how late a timer was. A part that fails for want of time is told from one that is wrong.
//   node .ci/machine.mjs TITLE command...
import { spawn } from 'node:child_process';
import { closeSync, fsync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';

const everyMs = 500;
const [title, command, ...args] = process.argv.slice(2);
const folder = mkdtempSync(join(process.cwd(), '.ci-machine-'));
const file = openSync(join(folder, 'probe'), 'w');
const block = Buffer.alloc(4096, 1);

/** Seconds of all processors since the start of the machine: all of them, idle ones, and those that the host took away. */
function processorTime() {
  try {
    const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/);
    const ticks = fields.slice(0, 8).map(Number);
    return { all: ticks.reduce((sum, tick) => sum + tick, 0), idle: ticks[3] + ticks[4], stolen: ticks[7] };
  } catch {
    return { all: 0, idle: 0, stolen: 0 };
  }
}

const syncsMs = [];
const latesMs = [];
let syncing = false;
let dueMs = performance.now() + everyMs;
const watch = setInterval(() => {
  const nowMs = performance.now();
  latesMs.push(Math.max(0, nowMs - dueMs));
  dueMs = nowMs + everyMs;
  if (syncing) return;
  syncing = true;
  writeSync(file, block, 0, block.length, 0);
  fsync(file, () => {
    syncsMs.push(performance.now() - nowMs);
    syncing = false;
  });
}, everyMs);

const before = processorTime();
const startedMs = performance.now();
const child = spawn(command, args, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(error.message);
  end(127);
});
child.on('exit', (code, signal) => end(signal === null ? code : 1));

function end(code) {
  clearInterval(watch);
  const after = processorTime();
  const share = (part) => `${Math.round((100 * part) / Math.max(1, after.all - before.all))} %`;
  const tell = (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (part) =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0);
    return `p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)} ms`;
  };
  console.log(
    `-- the machine during ${title}: ${Math.round((performance.now() - startedMs) / 1000)} s, ${cpus().length} cores, ` +
      `busy ${share(after.all - before.all - (after.idle - before.idle))}, taken by the host ${share(after.stolen - before.stolen)}, ` +
      `load ${loadavg()[0].toFixed(1)}; a sync to disk took ${tell(syncsMs)}; a timer was late by ${tell(latesMs)}`,
  );
  closeSync(file);
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}
