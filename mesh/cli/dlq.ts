import { type DeadLetterSummary, mostListed, type ShownDeadLetter } from '../bus/dead-letter-queues.js';
import { StartupError } from '../runtime/startup-error.js';
import { deadLetterPaths } from '../shape/dead-letter-pages.js';
import { askAsOperator, runningMesh } from './admin-client.js';
import { type Command, type CommandArguments, switchOption, type Terminal, textOption } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';
import { textTable } from './text-table.js';

/** Asks the running mesh. `query` becomes the query of the address. @throws StartupError */
export type Ask = (
  method: 'GET' | 'POST',
  path: string,
  query?: Readonly<Record<string, string>>,
) => Promise<unknown>;

/** `meshmart dlq`: messages that a consumer gave up, and their second chance. */
export const dlq: Command = dlqCommand(
  (folder) =>
    (method, path, query = {}) =>
      askAsOperator(runningMesh(folder), folder, method, `${path}?${new URLSearchParams(query)}`),
);

/** The command. @param askOf how the mesh on a data folder is asked. */
export function dlqCommand(askOf: (dataFolder: string) => Ask): Command {
  return {
    name: 'dlq',
    summary: 'List, show and replay dead letters: events that a service gave up after too many attempts.',
    usage: 'list|show GROUP ID|replay GROUP ID [OPTIONS]',
    options: {
      data: dataOption,
      group: { type: 'string', value: 'GROUP', about: 'For list: one consuming service. Default: all.' },
      all: {
        type: 'boolean',
        about: 'For replay: all that the group has now; without a group, of all groups.',
      },
      json: { type: 'boolean', about: 'Print JSON.' },
    },
    examples: [
      'meshmart dlq list',
      'meshmart dlq list --group notification --json',
      'meshmart dlq show notification order-17-m3k2p9x1',
      'meshmart dlq replay notification order-17-m3k2p9x1',
      'meshmart dlq replay notification --all',
    ],
    run: async (args, terminal) => {
      const [verb, ...names] = args.positionals;
      const ask = askOf(dataFolderOf(args, terminal));
      switch (verb) {
        case 'list':
          return list(ask, textOption(args, 'group'), args, terminal);
        case 'show':
          return show(ask, names, args, terminal);
        case 'replay':
          return replay(ask, names, args, terminal);
        default:
          throw new StartupError(
            verb === undefined ? 'dlq needs a word' : `dlq has no '${verb}'`,
            'use list, show or replay; see meshmart dlq --help',
          );
      }
    },
  };
}

async function list(
  ask: Ask,
  group: string | undefined,
  args: CommandArguments,
  { out }: Terminal,
): Promise<number> {
  const letters = await lettersOf(ask, group);
  if (switchOption(args, 'json')) out(`${JSON.stringify(letters, null, 2)}\n`);
  else if (letters.length === 0) out('no dead letters\n');
  else {
    const rows = letters.map((letter) =>
      [
        letter.group,
        letter.id,
        letter.type,
        letter.key,
        String(letter.attempts),
        timeText(letter.failedAtMs),
        letter.lastError.slice(0, 80),
      ].map(printable),
    );
    out(textTable(['group', 'id', 'type', 'key', 'attempts', 'given up', 'last error'], rows));
  }
  return 0;
}

async function show(
  ask: Ask,
  [group, id]: readonly string[],
  args: CommandArguments,
  { out }: Terminal,
): Promise<number> {
  if (group === undefined || id === undefined)
    throw new StartupError('show needs a group and an id', 'see them with meshmart dlq list');
  const letter = (await ask('GET', deadLetterPaths.show, { group, id })) as ShownDeadLetter;
  if (switchOption(args, 'json')) out(`${JSON.stringify(letter, null, 2)}\n`);
  else out(textOf(letter));
  return 0;
}

/** Replays one, or what is dead now: what becomes a dead letter again meanwhile is left for another time. */
async function replay(
  ask: Ask,
  [group, id]: readonly string[],
  args: CommandArguments,
  { out, err }: Terminal,
): Promise<number> {
  const all = switchOption(args, 'all');
  if (all ? id !== undefined : group === undefined || id === undefined)
    throw new StartupError('replay needs a group and an id, or --all', 'see them with meshmart dlq list');
  const chosen = all ? await lettersOf(ask, group) : [{ group: group ?? '', id: id ?? '' }];
  const replayed: { group: string; id: string }[] = [];
  let failed = 0;
  for (const letter of chosen) {
    const name = { group: letter.group, id: letter.id };
    try {
      await ask('POST', deadLetterPaths.replay, name);
      replayed.push(name);
    } catch (error) {
      if (!all) throw error;
      failed += 1;
      err(`meshmart: ${printable((error as Error).message)}\n`);
    }
  }
  if (switchOption(args, 'json')) out(`${JSON.stringify({ replayed, failed })}\n`);
  else out(`${replayed.length} replayed${failed === 0 ? '' : `, ${failed} could not be`}\n`);
  if (all && chosen.length >= mostListed) err('meshmart: there may be more: run it again\n');
  return failed === 0 ? 0 : 1;
}

async function lettersOf(ask: Ask, group: string | undefined): Promise<readonly DeadLetterSummary[]> {
  const answer = await ask('GET', deadLetterPaths.list, group === undefined ? {} : { group });
  return (answer as { deadLetters: DeadLetterSummary[] }).deadLetters;
}

function textOf(letter: ShownDeadLetter): string {
  const { traceId, unreadable } = letter;
  const lines = [
    ['group', letter.group],
    ['id', letter.id],
    ['type', `${letter.type}, topic ${letter.topic}, key ${letter.key}`],
    ['published', timeText(letter.occurredAtMs)],
    ['given up', `${timeText(letter.failedAtMs)}, after ${letter.attempts} attempts`],
    ['last error', letter.lastError],
    ['trace', traceId === null ? 'none' : `${traceId} (meshmart trace ${traceId})`],
    [
      'message',
      unreadable === null
        ? `${letter.bytes} bytes`
        : `${letter.bytes} bytes, no ${letter.type}: ${unreadable}`,
    ],
  ];
  return [
    ...lines.map(([name = '', value = '']) => `${name.padEnd(11)} ${printable(value)}\n`),
    ...(unreadable === null ? [`${JSON.stringify(letter.message, null, 2)}\n`] : []),
  ].join('');
}

function timeText(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? 'unknown' : time.toISOString();
}

/** Whatever came over the bus must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, ' ');
}
