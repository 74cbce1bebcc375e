import type { Environment } from '../runtime/setting.js';

/** What a command may touch: passed in, so that a test can stand in for the terminal. */
export interface Terminal {
  /** Writes to standard output; the newline is the caller's. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  readonly environment: Environment;
  /** True when a person reads standard output. */
  readonly interactive: boolean;
}

/** One word of `meshmart <word>`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What comes after the name, such as `METHOD [JSON]`. */
  readonly usage: string;
  /** Options for `node:util` parseArgs, with a line of help for each. */
  readonly options: Readonly<Record<string, OptionHelp>>;
  /** Lines that work when pasted. */
  readonly examples: readonly string[];
  /** Does it and gives the exit code. @throws StartupError or MeshError for what the user must mend. */
  run(args: CommandArguments, terminal: Terminal): Promise<number>;
}

export interface OptionHelp {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** One line; name the default. */
  readonly about: string;
  /** What the value stands for, such as `FOLDER`. */
  readonly value?: string;
}

export interface CommandArguments {
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
}

/** The value of a text option, if it was given. */
export function textOption(args: CommandArguments, name: string): string | undefined {
  const value = args.values[name];
  return typeof value === 'string' ? value : undefined;
}

/** Whether a switch was given. */
export function switchOption(args: CommandArguments, name: string): boolean {
  return args.values[name] === true;
}
