import { parseArgs } from 'node:util';
import { StartupError } from '../runtime/startup-error.js';
import type { Command, CommandArguments } from './command.js';

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: 'run'; readonly command: Command; readonly args: CommandArguments }
  | { readonly kind: 'help'; readonly command: Command | undefined }
  | { readonly kind: 'version' };

/**
 * Reads a command line.
 * @throws StartupError that names the word or option that was not understood.
 */
export function parseInvocation(argv: readonly string[], commands: readonly Command[]): Invocation {
  const [word, ...rest] = argv;
  if (word === undefined || word === 'help' || word === '--help' || word === '-h') {
    return { kind: 'help', command: commands.find((command) => command.name === rest[0]) };
  }
  if (word === '--version' || word === '-v') return { kind: 'version' };
  const command = commands.find((candidate) => candidate.name === word);
  if (command === undefined) {
    throw new StartupError(
      `meshmart has no command '${word}'`,
      `use one of ${commands.map((c) => c.name).join(', ')}`,
    );
  }
  if (rest.includes('--help') || rest.includes('-h')) return { kind: 'help', command };
  try {
    const { values, positionals } = parseArgs({
      args: [...rest],
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(command.options).map(([name, option]) => [
          name,
          {
            type: option.type,
            ...(option.short === undefined ? {} : { short: option.short }),
            ...(option.multiple === undefined ? {} : { multiple: option.multiple }),
          },
        ]),
      ),
    });
    return { kind: 'run', command, args: { positionals, values: values as CommandArguments['values'] } };
  } catch (cause) {
    throw new StartupError(
      String((cause as Error).message).split('. ')[0] ?? '',
      `see meshmart ${word} --help`,
      { cause },
    );
  }
}
