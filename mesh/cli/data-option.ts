import type { Environment } from '../runtime/setting.js';
import { type CommandArguments, type OptionHelp, type Terminal, textOption } from './command.js';

/** `--data FOLDER`, which every command that looks for a mesh has. */
export const dataOption: OptionHelp = {
  type: 'string',
  value: 'FOLDER',
  about: 'Data folder of the mesh. Default: MESHMART_DATA, else .meshmart.',
};

/** The data folder that a command line means. */
export function dataFolderOf(args: CommandArguments, terminal: Pick<Terminal, 'environment'>): string {
  return textOption(args, 'data') ?? dataFolderFrom(terminal.environment);
}

/** The data folder that the environment means. */
export function dataFolderFrom(environment: Environment): string {
  return environment['MESHMART_DATA'] || '.meshmart';
}
