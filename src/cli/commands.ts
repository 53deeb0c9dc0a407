import yargs, { type Argv } from 'yargs';
import { MobyvmError } from '../core/values/index.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import { version } from '../protocol/version.js';
import type { Command, Work } from './command.js';
import { complete } from './complete.js';
import { COMPLETE } from './completion-scripts.js';
import type { CommandContext, CommandResult } from './context.js';
import { COMMANDS, GROUPS } from './definitions.js';
import { usageText } from './usage-text.plan.js';

/** Parses the arguments and runs the command. @throws MobyvmError MOBYVM_USAGE, and what the command throws */
export async function runCommand(typed: readonly string[], context: CommandContext): CommandResult {
  if (typed[0] === COMPLETE) return complete(context, COMMANDS, GROUPS, typed.slice(2));
  const { args, rest } = withoutRest(typed);
  let chosen: Work = () => Promise.resolve(EXIT_OK);
  const parser = commandLine(args, context.terminal.columns, (work) => {
    chosen = work;
  });
  // yargs prints help and version by itself if no callback is given.
  await new Promise<void>((resolve, reject) => {
    void parser.parse([...args], {}, (error: Error | undefined | null, _argv: unknown, output: string) => {
      if (output !== '' && !error) context.terminal.out(output);
      if (error) reject(error);
      else resolve();
    });
  });
  return chosen(context, rest);
}

/** yargs would read numbers in what is meant for another program, and print 1e3 as 1000. */
function withoutRest(typed: readonly string[]): {
  readonly args: readonly string[];
  readonly rest: readonly string[];
} {
  const end = typed.indexOf('--');
  const takesRest = COMMANDS.some(({ name, rest }) => rest !== undefined && name === typed[0]);
  return end < 0 || !takesRest
    ? { args: typed, rest: [] }
    : { args: typed.slice(0, end), rest: typed.slice(end + 1) };
}

function commandLine(args: readonly string[], columns: number, choose: (work: Work) => void): Argv {
  return topLevel()
    .reduce((parser, add) => add(parser, choose), yargs().scriptName('mobyvm'))
    .usage('Usage: $0 COMMAND [OPTIONS]\n\nRun Linux containers in a small virtual machine.')
    .example('mobyvm up', 'Start the VM')
    .example('mobyvm status', 'Show whether the Docker Engine can be used')
    .epilogue('Run `mobyvm COMMAND --help` for more about a command.')
    .demandCommand(1, 'Missing command.')
    .strict()
    .recommendCommands()
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(100, columns))
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (error !== undefined && error.name !== 'YError') throw error;
      const said = (message ?? error?.message ?? 'Wrong usage.').replaceAll('\n', ' ');
      const usage = usageText(said, args, Object.keys(GROUPS));
      throw new MobyvmError('MOBYVM_USAGE', usage.message, usage.remedy);
    });
}

type Add = (parser: Argv, choose: (work: Work) => void) => Argv;

/** Commands and groups of commands in the order of their definitions. */
function topLevel(): readonly Add[] {
  const groups = new Set<string>();
  return COMMANDS.flatMap((command): readonly Add[] => {
    const [first = '', second] = command.name.split(' ');
    if (second === undefined) return [(parser, choose) => command.addTo(parser, choose)];
    if (groups.has(first)) return [];
    groups.add(first);
    const members = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
    return [(parser, choose) => addGroup(parser, first, members, choose)];
  });
}

function addGroup(
  parser: Argv,
  name: string,
  members: readonly Command[],
  choose: (work: Work) => void,
): Argv {
  const summary = GROUPS[name] ?? '';
  return parser.command(name, summary, (group) =>
    members
      .reduce((inner, member) => member.addTo(inner, choose), group)
      .usage(`Usage: $0 ${name} COMMAND [OPTIONS]\n\n${summary}.`)
      .demandCommand(1, missingText(members)),
  );
}

function missingText(members: readonly Command[]): string {
  const lines = members.map(({ name }) => `\`mobyvm ${name}\``);
  const [last = ''] = lines.slice(-1);
  return `Missing subcommand. Try ${lines.length === 1 ? last : `${lines.slice(0, -1).join(', ')} or ${last}`}.`;
}
