import type { StatusReport } from '../shape/admin-port.js';
import { readAdmin, runningMesh } from './admin-client.js';
import { type Command, switchOption } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';
import { textTable } from './text-table.js';

/** `meshmart status`: what runs, where, and how it is. */
export const status: Command = {
  name: 'status',
  summary: 'Show what runs: services, health, versions, addresses.',
  usage: '[OPTIONS]',
  options: {
    data: dataOption,
    json: { type: 'boolean', about: 'Print JSON.' },
  },
  examples: ['meshmart status', 'meshmart status --json'],
  run: async (args, terminal) => {
    const report = (await readAdmin(runningMesh(dataFolderOf(args, terminal)), '/status')) as StatusReport;
    if (switchOption(args, 'json')) terminal.out(`${JSON.stringify(report, null, 2)}\n`);
    else terminal.out(textOf(report));
    return report.ready ? 0 : 1;
  },
};

function textOf(report: StatusReport): string {
  const ofProcesses = report.services.some((service) => service.instance !== undefined);
  const services = report.services.map((service) => [
    service.instance ?? service.name,
    service.state ?? (service.serving ? 'serving' : 'not serving'),
    service.criticality,
    service.version,
    service.address,
    ...(ofProcesses ? [String(service.pid ?? ''), String(service.restarts ?? 0)] : []),
    service.problem ?? '',
  ]);
  const columns = ['service', 'health', 'criticality', 'version', 'address'];
  return [
    `${report.shape}, version ${report.version}, process ${report.pid}: ${report.ready ? 'ready' : 'not ready'}`,
    ...Object.entries(report.addresses).map(([name, address]) => `  ${name.padEnd(15)} ${address}`),
    '',
    textTable([...columns, ...(ofProcesses ? ['process', 'restarts'] : []), ''], services),
    ...deadLettersIn(report),
  ].join('\n');
}

/** A line when there are any. */
function deadLettersIn({ deadLetters }: StatusReport): string[] {
  const some = Object.entries(deadLetters).filter(([, count]) => count > 0);
  if (some.length === 0) return [];
  const counts = some.map(([group, count]) => `${group} ${count}`).join(', ');
  return [`dead letters: ${counts} (see meshmart dlq list)\n`];
}
