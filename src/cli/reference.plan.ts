import type { CommandText } from './command.js';

type Options = CommandText['options'];
type Positionals = CommandText['positionals'];

/** docs/cli.md: every command with its arguments, options and examples. */
export function cliReference(commands: readonly CommandText[]): string {
  return [
    '# Commands',
    '',
    'Generated from the command definitions (`npm run docs:cli`); `mobyvm COMMAND --help` prints the same.',
    '',
    'Exit codes: 0 success, 1 failure you can fix, 2 wrong usage, 3 a bug in mobyvm, 130 interrupted. With `--json`, errors are',
    'printed as JSON too. `MOBYVM_STATE_DIR`, `MOBYVM_RUN_DIR`, `MOBYVM_LOG_DIR` and `MOBYVM_SETTINGS` move the files of an',
    'instance ([files.md](files.md)).',
    '',
    ...table(
      ['command', 'what it does'],
      commands.map(({ name, summary }) => [
        `[\`mobyvm ${name}\`](#mobyvm-${name.replaceAll(' ', '-')})`,
        summary,
      ]),
    ),
    ...commands.flatMap(sectionOf),
    '',
  ].join('\n');
}

function sectionOf(command: CommandText): string[] {
  const { name, args, rest = '', summary, details, positionals, options, examples } = command;
  const usage = ['mobyvm', name, args, isEmpty(options) ? '' : '[OPTIONS]', rest]
    .filter((part) => part !== '')
    .join(' ');
  return [
    '',
    `## mobyvm ${name}`,
    '',
    `${summary}.${details === undefined ? '' : ` ${details}`}`,
    '',
    '```',
    usage,
    '```',
    ...optionTable('argument', positionalRows(positionals)),
    ...optionTable('option', optionRows(options)),
    '',
    '```sh',
    ...examples.map(([line, purpose]) => `${line.padEnd(longest(examples))}  # ${purpose}`),
    '```',
  ];
}

function isEmpty(options: Options): boolean {
  return Object.values(options).every(({ hidden }) => hidden === true);
}

function longest(examples: CommandText['examples']): number {
  return Math.max(...examples.map(([line]) => line.length));
}

function optionTable(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', ...table([title, 'what it does', 'default'], rows)];
}

function positionalRows(positionals: Positionals): string[][] {
  return Object.entries(positionals).map(([name, { describe }]) => [`\`${name}\``, String(describe), '']);
}

function optionRows(options: Options): string[][] {
  return Object.entries(options)
    .filter(([, { hidden }]) => hidden !== true)
    .map(([name, option]) => [optionName(name, option), described(option), defaultOf(option)]);
}

function optionName(name: string, { alias, type }: Options[string]): string {
  const value = type === 'boolean' ? '' : ` ${name.toUpperCase()}`;
  const short = typeof alias === 'string' ? `, \`-${alias}\`` : '';
  return `\`--${name}${value}\`${short}`;
}

function described({ describe, choices }: Options[string]): string {
  const text = String(describe);
  return choices === undefined ? text : `${text}: ${choices.map((each) => `\`${String(each)}\``).join(', ')}`;
}

function defaultOf({ default: value, type }: Options[string]): string {
  if (type === 'boolean') return value === true ? 'on' : '';
  return value === undefined ? '' : `\`${String(value)}\``;
}

/** Padded, as Prettier writes tables. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}
