import yargs, { type Argv } from 'yargs';
import { MobyvmError } from '../core/values/index.js';
import { version } from '../protocol/version.js';
import type { CommandContext, CommandResult, DaemonOptions } from './context.js';
import { hostPlatform } from '../daemon/platform.js';
import { doctor } from './doctor.js';
import { down } from './down.js';
import { EXIT_FINE } from './exit-code.js';
import { explain } from './explain.js';
import { printFile } from './follow-file.js';
import { imageBuild } from './image-build.js';
import { portList } from './port.js';
import { kvpList, kvpRemove, kvpSet } from './kvp.js';
import { restart } from './restart.js';
import { status } from './status.js';
import { up } from './up.js';
import { usageText } from './usage-text.plan.js';

/** Runs the daemon in this process; handed in, since only the entry file may join the whole program. */
export type RunDaemon = (options: DaemonOptions) => CommandResult;

const NETNS = {
  type: 'string',
  requiresArg: true,
  describe: 'Network namespace for bridge, tap and servers (Linux); made if it does not exist',
} as const;
const FOLLOW = {
  type: 'boolean',
  alias: 'f',
  default: false,
  describe: 'Go on with what is added, until Ctrl-C',
} as const;
const LINES = {
  type: 'number',
  alias: 'n',
  default: 50,
  requiresArg: true,
  describe: 'How many of the last lines',
} as const;
const JSON_OUTPUT = { type: 'boolean', default: false, describe: 'As one JSON object' } as const;

/** Parses the arguments and runs the command. @throws MobyvmError MOBYVM_USAGE, and what the command throws */
export async function runCommand(
  args: readonly string[],
  context: CommandContext,
  runDaemon: RunDaemon,
): CommandResult {
  let result: CommandResult = Promise.resolve(EXIT_FINE);
  const parser = commandLine(args, context, runDaemon, (work) => {
    result = work();
  });
  // yargs prints help and version itself when no callback is given: the callback keeps printing in one place.
  await new Promise<void>((resolve, reject) => {
    void parser.parse([...args], {}, (error: Error | undefined | null, _argv: unknown, output: string) => {
      if (output !== '' && !error) context.terminal.out(output);
      if (error) reject(error);
      else resolve();
    });
  });
  return result;
}

/** Remembers what to run once the arguments are known to be right. */
type Choose = (work: () => CommandResult) => void;

function commandLine(
  args: readonly string[],
  context: CommandContext,
  runDaemon: RunDaemon,
  choose: Choose,
): Argv {
  const commands = [machineCommands, observingCommands, portCommands, kvpCommands, imageCommands];
  return commands
    .reduce((parser, add) => add(parser, context, choose), yargs().scriptName('mobyvm'))
    .usage('$0 COMMAND [OPTIONS]\n\nRuns Linux containers in a small Moby Linux VM.')
    .command(
      'daemon',
      'Run in the foreground, for service managers; SIGTERM shuts everything down',
      {
        netns: { ...NETNS, describe: 'The network namespace that it was started in (Linux)' },
        start: {
          type: 'boolean',
          default: true,
          describe: 'Start the VM at once (--no-start: wait for `up`)',
        },
        background: { type: 'boolean', default: false, hidden: true },
      },
      ({ netns, start, background }) =>
        choose(() =>
          runDaemon({
            namespace: validNamespace(netns),
            startsMachine: start,
            isBackground: background,
          }),
        ),
    )
    .demandCommand(1, 'Which command? `mobyvm --help` lists them.')
    .strict()
    .recommendCommands()
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(100, context.terminal.columns))
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (error !== undefined && !isUsage(error)) throw error;
      const said = (message ?? error?.message ?? 'Wrong usage.').replaceAll('\n', ' ');
      const usage = usageText(said, args);
      throw new MobyvmError('MOBYVM_USAGE', usage.message, usage.remedy);
    });
}

function machineCommands(parser: Argv, context: CommandContext, choose: Choose): Argv {
  return parser
    .command('up', 'Start the VM; the Docker Engine answers afterwards', { netns: NETNS }, ({ netns }) =>
      choose(() => up(context, { namespace: validNamespace(netns) })),
    )
    .command('down', 'Shut the VM down and remove what was set up; the data stays', {}, () =>
      choose(() => down(context)),
    )
    .command('restart', 'Down and up in one; settings are read anew', {}, () =>
      choose(() => restart(context)),
    );
}

function observingCommands(parser: Argv, context: CommandContext, choose: Choose): Argv {
  const { daemonLog, consoleLog } = context.paths;
  const watch = {
    type: 'boolean',
    alias: 'w',
    default: false,
    describe: 'Show every change, until Ctrl-C',
  } as const;
  return parser
    .command(
      'status',
      'Show what runs; exit code 0 when the engine can be used',
      { json: JSON_OUTPUT, watch },
      (argv) => choose(() => status(context, { json: argv.json, watch: argv.watch })),
    )
    .command(
      'doctor',
      'Look at what mobyvm needs of this host; exit code 0 when nothing stands in the way',
      { json: JSON_OUTPUT },
      (argv) => choose(() => doctor(context, { json: argv.json, platform: hostPlatform() })),
    )
    .command('logs', "Print the daemon's log (JSON lines)", { follow: FOLLOW, lines: LINES }, (argv) =>
      choose(() => printFile(context, { path: daemonLog, what: 'daemon log', ...validLines(argv) })),
    )
    .command('console', "Print the guest's console", { follow: FOLLOW, lines: LINES }, (argv) =>
      choose(() => printFile(context, { path: consoleLog, what: 'console log', ...validLines(argv) })),
    )
    .command(
      'explain <code>',
      'Tell what an error code means and what helps',
      (each) =>
        each.positional('code', {
          type: 'string',
          demandOption: true,
          describe: 'For example MOBYVM_NO_LEASE',
        }),
      ({ code }) => choose(() => explain(context, code)),
    );
}

function portCommands(parser: Argv, context: CommandContext, choose: Choose): Argv {
  return parser.command('port', 'Ports that containers publish on this host', (port) =>
    port
      .command('list', 'Print them, with what they carry', { json: JSON_OUTPUT }, (argv) =>
        choose(() => portList(context, { json: argv.json })),
      )
      .demandCommand(1, 'Which one? `mobyvm port list`'),
  );
}

function imageCommands(parser: Argv, context: CommandContext, choose: Choose): Argv {
  const recipe = {
    choices: ['debian', 'alpine'] as const,
    default: 'debian' as const,
    requiresArg: true,
    describe: 'Where its packages come from',
  };
  return parser.command('image', 'The boot image', (image) =>
    image
      .command('build', 'Build it from Debian or Alpine packages', { recipe }, (argv) =>
        choose(() => imageBuild(context, { recipe: argv.recipe, platform: hostPlatform() })),
      )
      .demandCommand(1, 'Which one? `mobyvm image build`'),
  );
}

function kvpCommands(parser: Argv, context: CommandContext, choose: Choose): Argv {
  const pool = {
    choices: ['host', 'guest', 'intrinsic'] as const,
    default: 'host' as const,
    requiresArg: true,
    describe: 'What the host set, what the guest set, or what the guest says of its system',
  };
  const name = { type: 'string', demandOption: true, describe: 'Name of the item' } as const;
  return parser.command('kvp', 'Items that host and guest exchange', (kvp) =>
    kvp
      .command('list', 'Print the items of a pool', { pool, json: JSON_OUTPUT }, (argv) =>
        choose(() => kvpList(context, { pool: argv.pool, json: argv.json })),
      )
      .command(
        'set <name> [value]',
        'Set an item of the host; without a value it is read from standard input',
        (each) =>
          each
            .positional('name', name)
            .positional('value', { type: 'string', describe: 'Its value' })
            .option('secret', { type: 'boolean', default: false, describe: 'Never show its value' }),
        (argv) =>
          choose(() => kvpSet(context, { name: argv.name, value: argv.value, isSecret: argv.secret })),
      )
      .command(
        'remove <name>',
        'Remove an item of the host',
        (each) => each.positional('name', name),
        (argv) => choose(() => kvpRemove(context, argv.name)),
      )
      .demandCommand(1, 'Which one? `mobyvm kvp list`, `kvp set` or `kvp remove`'),
  );
}

function isUsage(error: Error): boolean {
  return error.name === 'YError';
}

/** Names of namespaces are file names below /run/netns, and part of a command line: only plain ones are taken. */
function validNamespace(name: string | undefined): string | undefined {
  if (name === undefined || /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) return name;
  throw new MobyvmError(
    'MOBYVM_USAGE',
    `"${name}" cannot name a network namespace.`,
    'Use letters, digits, dots, dashes and underscores, at most 64.',
  );
}

function validLines({ lines, follow }: { lines: number; follow: boolean }): {
  lines: number;
  follow: boolean;
} {
  if (Number.isInteger(lines) && lines >= 0) return { lines, follow };
  throw new MobyvmError('MOBYVM_USAGE', '--lines takes a whole number from 0.', 'For example: --lines 100');
}
