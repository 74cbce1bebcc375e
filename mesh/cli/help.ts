import type { Command } from './command.js';

/** The page of `meshmart --help`. */
export function overviewHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return [
    'meshmart: a shop you can take apart',
    '',
    'Usage: meshmart COMMAND [OPTIONS]',
    '',
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    'meshmart COMMAND --help tells more, with examples.',
    '',
  ].join('\n');
}

/** The page of `meshmart COMMAND --help`. */
export function commandHelp(command: Command): string {
  const options = Object.entries(command.options).map(([name, option]) => {
    const flag = `${option.short === undefined ? '' : `-${option.short}, `}--${name}${option.value === undefined ? '' : ` ${option.value}`}`;
    return { flag, about: option.about };
  });
  const width = Math.max(0, ...options.map((option) => option.flag.length));
  return [
    `Usage: meshmart ${command.name} ${command.usage}`.trimEnd(),
    '',
    command.summary,
    '',
    ...(options.length === 0
      ? []
      : ['Options:', ...options.map((o) => `  ${o.flag.padEnd(width)}  ${o.about}`), '']),
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}
