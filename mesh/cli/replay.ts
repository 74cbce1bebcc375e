import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { machineAmbient } from '../runtime/ambient.js';
import { openDataFiles, readRun } from '../runtime/data-folder.js';
import type { Manifest } from '../runtime/manifest.js';
import { secretSource } from '../runtime/secret-source.js';
import { StartupError } from '../runtime/startup-error.js';
import { loadModule, loadShop } from '../shape/loaded-shop.js';
import { type ReplayReport, rebuildProjection } from '../store/rebuild-projection.js';
import type { SchemaStep } from '../store/schema-step.js';
import { openSqliteStore } from '../store/sqlite-store.js';
import type { Store } from '../store/store.js';
import { type Command, switchOption } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';

/** `meshmart replay`: projections made anew from their events. */
export const replay: Command = {
  name: 'replay',
  summary:
    'Make every projection anew from its events, compare it with what is there, and put right what differs.',
  usage: '[SERVICE] [OPTIONS]',
  options: {
    data: dataOption,
    check: { type: 'boolean', about: 'Compare only; the exit code is 1 when something differs.' },
    json: { type: 'boolean', about: 'Print what was found as JSON.' },
  },
  examples: ['meshmart replay', 'meshmart replay order --check'],
  run: async (args, terminal) => {
    const [wanted] = args.positionals;
    const folder = resolve(dataFolderOf(args, terminal));
    const switchOver = !switchOption(args, 'check');
    const { manifests } = loadShop();
    if (wanted !== undefined && !manifests.some(({ name }) => name === wanted))
      throw new StartupError(
        `there is no service '${wanted}'`,
        `use one of ${manifests.map(({ name }) => name).join(', ')}`,
      );
    const by = `replay-${Buffer.from(machineAmbient().random.bytes(8)).toString('hex')}`;
    const reports: (ReplayReport & { service: string })[] = [];
    for (const manifest of manifests) {
      if (wanted !== undefined && manifest.name !== wanted) continue;
      const { service } = await loadModule(manifest);
      if (service?.projections === undefined) continue;
      const store = await openStoreOf(folder, manifest, service.schema);
      try {
        for (const projection of service.projections)
          reports.push({
            service: manifest.name,
            ...(await rebuildProjection(store, projection, { by, switchOver })),
          });
      } finally {
        await store.close();
      }
    }
    terminal.out(
      switchOption(args, 'json') ? `${JSON.stringify(reports, null, 2)}\n` : reports.map(lineOf).join(''),
    );
    if (reports.length === 0) terminal.out(`${wanted ?? 'no service'} has no projections: nothing to do\n`);
    return !switchOver && reports.some(differs) ? 1 : 0;
  },
};

/**
 * A service's store, where the shop that runs on this folder keeps it; that of one that does not run is a file.
 * @throws StartupError when it is not there.
 */
async function openStoreOf(
  folder: string,
  manifest: Manifest,
  schema: readonly SchemaStep[],
): Promise<Store> {
  const { name: service } = manifest;
  const ambient = machineAmbient();
  const postgresUrl = readRun(folder)?.postgresUrl;
  if (postgresUrl !== undefined) {
    const { openServiceDatabase } = await import('../shape/processes/service-store.js');
    const data = openDataFiles(folder);
    // It reads and writes whole tables.
    const limits = { openWithinMs: 3_000, withinMs: 300_000 };
    const source = secretSource({}, data.file('secrets'), ambient.random);
    return openServiceDatabase(
      { service, id: 'replay', schema, data, ambient, ...limits },
      postgresUrl,
      source,
    );
  }
  const path = join(folder, service, `${service}.db`);
  if (existsSync(path)) return openSqliteStore({ path, service, schema, clock: ambient.clock });
  throw existsSync(join(folder, 'postgres'))
    ? new StartupError(
        "the shop's PostgreSQL does not run",
        'start it: meshmart up --shape processes --store postgres',
      )
    : new StartupError(`there is no database at ${path}`, 'start the shop once with meshmart up');
}

function differs({ different, missing, extra }: ReplayReport): boolean {
  return different.length + missing.length + extra.length > 0;
}

function lineOf(report: ReplayReport & { service: string }): string {
  const { service, table, streams, events, different, missing, extra, switched } = report;
  const found = differs(report)
    ? `${different.length} rows differ, ${missing.length} are missing, ${extra.length} have no events: ${[...different, ...missing, ...extra].slice(0, 5).join(', ')}`
    : 'all rows are what their events say';
  return `${service}.${table}: ${events} events of ${streams} streams; ${found}${switched && differs(report) ? '; put right' : ''}\n`;
}
