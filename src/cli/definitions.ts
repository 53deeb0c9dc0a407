import { command, type Command } from './command.js';
import { completionCommand } from './completion-command.js';
import { dashboard } from './dashboard.js';
import { dhcpLeases } from './dhcp.js';
import { dnsQuery, dnsStatus } from './dns.js';
import { consoleCommand, diagnoseCommand, doctorCommand, logsCommand } from './diagnostic-commands.js';
import { down } from './down.js';
import { explain } from './explain.js';
import { imageBuild } from './image-build.js';
import { JSON_OUTPUT } from './shared-options.js';
import { kvpList, kvpRemove, kvpSet } from './kvp.js';
import { portList } from './port.js';
import { shareAddCommand } from './share-add-command.js';
import { shareCheck, shareCredentials, shareList, shareRemove } from './share.js';
import { shell } from './shell.js';
import { restart } from './restart.js';
import { serviceInstall, serviceStart, serviceStatus, serviceStop, serviceUninstall } from './service.js';
import { statsCommand } from './stats-command.js';
import { status } from './status.js';
import { uninstall } from './uninstall.js';
import { up } from './up.js';
import { validNamespace } from './valid-options.js';

const NETNS = { type: 'string', requiresArg: true } as const;
const SHARE_NAME = { type: 'string', demandOption: true, describe: 'Its letter or path' } as const;
const KVP_NAME = { type: 'string', demandOption: true, describe: 'Name of the item' } as const;

/** Every command, in the order of the help. Help and docs/cli.md are made of this and nothing else. */
export const COMMANDS: readonly Command[] = [
  command({
    name: 'up',
    summary: 'Start the VM and wait for the Docker Engine',
    details:
      'Starts the daemon in the background if none is running. Ctrl-C undoes what was done so far. Running it again is safe: it repairs what is missing and leaves the rest alone.',
    options: {
      netns: {
        ...NETNS,
        describe: 'Network namespace for the VM and its network; created if missing (Linux)',
      },
    },
    examples: [
      ['mobyvm up', 'Start the VM'],
      ['mobyvm up --netns lab', 'Keep its whole network inside a namespace'],
    ],
    run: (context, { netns }) => up(context, { namespace: validNamespace(netns) }),
  }),
  command({
    name: 'down',
    summary: 'Save the VM or shut it down, and remove its network',
    details:
      'By default the memory of the VM is written to disk, and the next `mobyvm up` resumes it within seconds: containers run on. The setting `machine.onDown` and `--stop` shut it down instead, as happens if it cannot be saved. Images, containers and volumes are kept. The daemon exits as well.',
    options: {
      stop: { type: 'boolean', default: false, describe: 'Shut the VM down, also one that is saved' },
    },
    examples: [
      ['mobyvm down', 'Save the VM, and free its memory'],
      ['mobyvm down --stop', 'Shut down the VM with its containers'],
    ],
    run: (context, { stop }) => down(context, { stop }),
  }),
  command({
    name: 'restart',
    summary: 'Restart the VM and apply changed settings',
    examples: [['mobyvm restart', 'Apply the settings file']],
    run: (context) => restart(context),
  }),
  command({
    name: 'status',
    summary: 'Show the state of the VM and the Docker Engine',
    details: 'The exit code is 0 if the Docker Engine can be used, and 1 otherwise.',
    options: {
      json: JSON_OUTPUT,
      watch: { type: 'boolean', alias: 'w', default: false, describe: 'Show every change until Ctrl-C' },
      timings: { type: 'boolean', default: false, describe: 'Show how long the last start took instead' },
      verbose: {
        type: 'boolean',
        default: false,
        describe: 'Show everything: system, file events, all repairs, what is looked after, the daemon',
      },
    },
    examples: [
      ['mobyvm status', 'Show the present state'],
      ['mobyvm status --watch', 'Follow a start in another terminal'],
      ['mobyvm status --timings', 'Show what the last start spent its time on'],
    ],
    run: (context, { json, watch, timings, verbose }) => status(context, { json, watch, timings, verbose }),
  }),
  statsCommand,
  command({
    name: 'dashboard',
    summary: 'Open the dashboard in a browser',
    details:
      'Prints the address, whose last part is a secret for this daemon. Starts the daemon in the background if none is running, but not the VM.',
    options: {
      print: { type: 'boolean', default: false, describe: 'Only print the address' },
    },
    examples: [
      ['mobyvm dashboard', 'Open it'],
      ['mobyvm dashboard --print', 'Print the address, for another browser'],
    ],
    run: (context, { print }) => dashboard(context, { print }),
  }),
  logsCommand,
  consoleCommand,
  command({
    name: 'shell',
    rest: '[-- COMMAND...]',
    summary: 'Open a root shell in the VM, or run a command there',
    details:
      'Runs in the VM itself, not in a container: it sees the mounts, processes and network of the VM. Needs a running VM, no image and no network. With a terminal on both ends the command gets one too; otherwise standard input, output and error are passed on as they are. The exit code is that of the command. When the shell ends, so does what it started.',
    examples: [
      ['mobyvm shell', 'Look around in the VM; leave it with Ctrl-D'],
      ['mobyvm shell -- df -h /var/lib/docker', 'Show how full the data disk is'],
      ["mobyvm shell -- sh -c 'dmesg | tail'", 'Run a pipeline in the VM'],
    ],
    run: (context, _argv, rest) => shell(context, rest),
  }),
  shareAddCommand,
  command({
    name: 'share list',
    summary: 'List shares and whether they work',
    options: { json: JSON_OUTPUT },
    examples: [['mobyvm share list', 'Show every share with its state']],
    run: (context, { json }) => shareList(context, { json }),
  }),
  command({
    name: 'share remove',
    args: '<name>',
    summary: 'Stop sharing a drive or folder',
    details: 'Containers that still use it lose access to it. Nothing is deleted on this host.',
    positionals: { name: SHARE_NAME },
    examples: [['mobyvm share remove C', 'Stop sharing drive C']],
    run: (context, { name }) => shareRemove(context, name),
  }),
  command({
    name: 'share check',
    args: '<name>',
    summary: 'Find out why a share does not work',
    details:
      'Goes from the folder on this host to a file that the VM reads. The exit code is 0 if all steps work, and 1 otherwise.',
    positionals: { name: SHARE_NAME },
    options: { json: JSON_OUTPUT },
    examples: [['mobyvm share check C', 'Show at which step drive C fails']],
    run: (context, { name, json }) => shareCheck(context, name, { json }),
  }),
  command({
    name: 'share set-credentials',
    args: '<name>',
    summary: "Replace the password of a share's account",
    details: 'The password is asked for on a terminal, and otherwise read from standard input.',
    positionals: { name: SHARE_NAME },
    options: {
      'password-file': {
        type: 'string',
        requiresArg: true,
        describe: 'File with the password on its first line',
      },
    },
    examples: [['mobyvm share set-credentials C', 'After the password was changed on this host']],
    run: (context, { name, ...options }) => shareCredentials(context, name, options['password-file']),
  }),
  command({
    name: 'port list',
    summary: 'List published ports',
    options: { json: JSON_OUTPUT },
    examples: [['mobyvm port list', 'Show ports, their containers and their traffic']],
    run: (context, { json }) => portList(context, { json }),
  }),
  command({
    name: 'dhcp leases',
    summary: 'List DHCP leases',
    options: { json: JSON_OUTPUT },
    examples: [['mobyvm dhcp leases', 'Show which address the VM has, and until when']],
    run: (context, { json }) => dhcpLeases(context, { json }),
  }),
  command({
    name: 'dns query',
    args: '<name> [type]',
    summary: 'Look up a name as containers do',
    details:
      'Shows the answer, and which server or which rule gave it. The exit code is 0 if the name exists, and 1 otherwise.',
    positionals: {
      name: { type: 'string', demandOption: true, describe: 'Name, or address whose name is wanted' },
      type: { type: 'string', describe: 'Type of the records, A by default' },
    },
    options: { json: JSON_OUTPUT },
    examples: [
      ['mobyvm dns query db.test', 'Look up an address'],
      ['mobyvm dns query corp.example MX', 'Look up records of another type'],
      ['mobyvm dns query 192.0.2.7', 'Look up the name of an address'],
    ],
    run: (context, { name, type, json }) =>
      dnsQuery(context, { name, json, ...(type === undefined ? {} : { type }) }),
  }),
  command({
    name: 'dns status',
    summary: 'Show the DNS servers that containers use, and the cache',
    options: { json: JSON_OUTPUT },
    examples: [['mobyvm dns status', 'Show which servers answer']],
    run: (context, { json }) => dnsStatus(context, { json }),
  }),
  command({
    name: 'kvp list',
    summary: 'List key-value items',
    options: {
      pool: {
        choices: ['host', 'guest', 'intrinsic'] as const,
        default: 'host' as const,
        requiresArg: true,
        describe: 'Items set by the host, set by the guest, or describing the guest system',
      },
      json: JSON_OUTPUT,
    },
    examples: [
      ['mobyvm kvp list', 'Show what the host has set'],
      ['mobyvm kvp list --pool intrinsic', 'Show what the guest reports about itself'],
    ],
    run: (context, { pool, json }) => kvpList(context, { pool, json }),
  }),
  command({
    name: 'kvp set',
    args: '<name> [value]',
    summary: 'Set a key-value item for the guest',
    details:
      'Without a value, the value is read from standard input. The VM must be running or booting; the item is sent again after each boot. There may be 500 items.',
    positionals: { name: KVP_NAME, value: { type: 'string', describe: 'Value of the item' } },
    options: { secret: { type: 'boolean', default: false, describe: 'Never show the value' } },
    examples: [
      ['mobyvm kvp set greeting hello', 'Set an item'],
      ['mobyvm kvp set token --secret < FILE', 'Pass a secret on standard input'],
    ],
    run: (context, { name, value, secret }) => kvpSet(context, { name, value, isSecret: secret }),
  }),
  command({
    name: 'kvp remove',
    args: '<name>',
    summary: 'Remove a key-value item of the host',
    details: 'Works while the VM is off, too.',
    positionals: { name: KVP_NAME },
    examples: [['mobyvm kvp remove greeting', 'Remove an item']],
    run: (context, { name }) => kvpRemove(context, name),
  }),
  command({
    name: 'image build',
    summary: 'Build the boot image',
    options: {
      recipe: {
        choices: ['debian', 'alpine'] as const,
        default: 'debian' as const,
        requiresArg: true,
        describe: 'Distribution to build from',
      },
    },
    examples: [
      ['mobyvm image build', 'Build it from Debian packages'],
      ['mobyvm image build --recipe alpine', 'Build it from Alpine packages'],
    ],
    run: (context, { recipe }) => imageBuild(context, { recipe }),
  }),
  command({
    name: 'service install',
    summary: 'Install the service that runs mobyvm, or update it (Windows)',
    details:
      'The service starts with Windows, before anyone logs on. This command needs an elevated prompt. A running service is restarted, and the VM with it.',
    examples: [['mobyvm service install', 'After mobyvm was unpacked from its zip file']],
    run: (context) => serviceInstall(context),
  }),
  command({
    name: 'service uninstall',
    summary: 'Stop and remove the service (Windows)',
    examples: [['mobyvm service uninstall', 'Run `mobyvm uninstall` first to remove the VM as well']],
    run: (context) => serviceUninstall(context),
  }),
  command({
    name: 'service start',
    summary: 'Start the service, and the VM with it (Windows)',
    examples: [['mobyvm service start', 'Start it after its installation']],
    run: (context) => serviceStart(context),
  }),
  command({
    name: 'service stop',
    summary: 'Shut down the VM and stop the service (Windows)',
    examples: [['mobyvm service stop', 'Stop everything until the next start of Windows']],
    run: (context) => serviceStop(context),
  }),
  command({
    name: 'service status',
    summary: 'Show the state of the service (Windows)',
    details: 'The exit code is 0 if the service is running, and 1 otherwise.',
    options: { json: JSON_OUTPUT },
    examples: [['mobyvm service status', 'Show whether it runs']],
    run: (context, { json }) => serviceStatus(context, { json }),
  }),
  doctorCommand,
  diagnoseCommand,
  command({
    name: 'explain',
    args: '<code>',
    summary: 'Explain an error code and how to fix it',
    positionals: {
      code: { type: 'string', demandOption: true, describe: 'Error code, with or without MOBYVM_' },
    },
    examples: [['mobyvm explain no_lease', 'Explain MOBYVM_NO_LEASE']],
    run: (context, { code }) => explain(context, code),
  }),
  completionCommand,
  command({
    name: 'uninstall',
    summary: 'Remove everything that mobyvm created on this host',
    details: 'Asks before the data disk with all images, containers and volumes is removed.',
    options: {
      'keep-data': { type: 'boolean', default: false, describe: 'Keep the data disk' },
      yes: { type: 'boolean', alias: 'y', default: false, describe: 'Remove the data disk without asking' },
    },
    examples: [
      ['mobyvm uninstall', 'Ask, then remove everything'],
      ['mobyvm uninstall --keep-data', 'Keep images, containers and volumes'],
    ],
    run: (context, argv) => uninstall(context, { keepData: argv['keep-data'], yes: argv.yes }),
  }),
  command({
    name: 'daemon',
    summary: 'Run the daemon in the foreground, for service managers',
    details:
      'Starts the VM and shuts it down when the daemon is stopped (SIGTERM, Ctrl-C). The exit code is 1 if the VM could not be started.',
    options: {
      netns: { ...NETNS, describe: 'Network namespace to run in; created if missing (Linux)' },
      start: {
        type: 'boolean',
        default: true,
        describe: 'Start the VM; with --no-start wait for `mobyvm up`',
      },
      background: { type: 'boolean', default: false, hidden: true },
      inside: { type: 'boolean', default: false, hidden: true },
    },
    examples: [
      ['mobyvm daemon', 'Run it from a systemd unit'],
      ['mobyvm daemon --no-start', 'Serve, but leave the VM off'],
    ],
    run: ({ daemon }, { netns, start, background, inside }) =>
      daemon.run({
        namespace: validNamespace(netns),
        startsMachine: start,
        isBackground: background,
        isInside: inside,
      }),
  }),
];

/** What the names of commands begin with that have a common first word. */
export const GROUPS: Readonly<Record<string, string>> = {
  share: 'Manage the drives and folders that the VM has of this host',
  port: 'Manage published ports',
  dhcp: "Show what the VM's DHCP server has given",
  dns: 'Inspect name resolution',
  kvp: 'Manage key-value items that host and guest exchange',
  image: 'Manage the boot image',
  service: 'Manage the service that runs mobyvm (Windows)',
};
