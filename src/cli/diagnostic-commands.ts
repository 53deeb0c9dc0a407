import { LOG_LEVELS } from '../protocol/log-record.js';
import { consoleLogFiles } from '../protocol/paths.js';
import { command } from './command.js';
import { diagnose } from './diagnose.js';
import { doctor } from './doctor.js';
import { printFile } from './follow-file.js';
import { logs } from './logs.js';
import { JSON_OUTPUT } from './shared-options.js';
import { validLines } from './valid-options.js';

const TAIL = {
  follow: { type: 'boolean', alias: 'f', default: false, describe: 'Follow log output' },
  lines: {
    type: 'number',
    alias: 'n',
    default: 50,
    requiresArg: true,
    describe: 'Number of lines to show from the end of the logs',
  },
} as const;

export const logsCommand = command({
  name: 'logs',
  summary: "Show the daemon's log",
  details:
    'Reads the log with its earlier files; needs no daemon. Times are durations such as 10m or 1h30m, or dates such as 2026-11-29T07:30:00Z, local without a zone. A component is the first word of an event, or more of it: dns, dns.upstream. A record that repeats within five minutes is counted (repeated 14 times within 28 s).',
  options: {
    follow: TAIL.follow,
    lines: {
      type: 'number',
      alias: 'n',
      requiresArg: true,
      describe: 'Number of matching lines from the end; 50, or all with a time',
    },
    since: { type: 'string', requiresArg: true, describe: 'Leave out what is older' },
    until: { type: 'string', requiresArg: true, describe: 'Leave out what is newer' },
    component: {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'Only events of this component; may be repeated',
    },
    level: {
      choices: LOG_LEVELS,
      default: 'debug' as const,
      requiresArg: true,
      describe: 'Only this level and more important ones',
    },
    grep: { type: 'string', requiresArg: true, describe: 'Only lines that match a regular expression' },
    json: { ...JSON_OUTPUT, describe: 'Print each line as JSON, as it is in the file' },
  },
  examples: [
    ['mobyvm logs --follow', 'Watch the daemon work'],
    ['mobyvm logs --since 1h --level warn', 'Show what went wrong in the last hour'],
    ['mobyvm logs --component dns -n 200', 'Show the last 200 events of the DNS server'],
  ],
  run: (context, { follow, lines, since, until, component, level, grep, json }) =>
    logs(context, { follow, lines, since, until, component, level, grep, json }),
});

export const consoleCommand = command({
  name: 'console',
  summary: "Show the VM's console output",
  options: TAIL,
  examples: [['mobyvm console --follow', 'Watch the VM boot']],
  run: (context, argv) =>
    printFile(context, { files: consoleLogFiles(context.paths), what: 'console log', ...validLines(argv) }),
});

export const doctorCommand = command({
  name: 'doctor',
  summary: 'Check this host for problems',
  details:
    'Changes nothing without --fix, which repairs what others changed of a running machine: switch or bridge, addresses, rules, servers. The exit code is 0 if there is no problem, or none any more, and 1 if there is one, or something was not repaired; notices do not count.',
  options: {
    json: JSON_OUTPUT,
    fix: { type: 'boolean', default: false, describe: 'Ask, then repair what can be repaired safely' },
    yes: { type: 'boolean', alias: 'y', default: false, describe: 'Repair without asking' },
  },
  examples: [
    ['mobyvm doctor', 'Check the host before the first start'],
    ['mobyvm doctor --fix --yes', 'Repair at once, for scripts'],
  ],
  run: (context, { json, fix, yes }) => doctor(context, { json, fix, yes }),
});

export const diagnoseCommand = command({
  name: 'diagnose',
  summary: 'Collect everything about this host and the VM in a zip file',
  details:
    'Works with and without a daemon, a VM or a network, in less than a minute. Each question has its own time limit; one without an answer is reported, and the others are collected all the same. index.html in it is for people, results.json for programs. Only its owner may read the file; secrets in it are masked.',
  options: {
    out: {
      type: 'string',
      alias: 'o',
      requiresArg: true,
      describe: 'File to write; by default mobyvm-diagnosis-TIME.zip in this folder',
    },
    force: { type: 'boolean', default: false, describe: 'Replace the file if it exists' },
    json: { ...JSON_OUTPUT, describe: 'Print what was collected as JSON' },
  },
  examples: [
    ['mobyvm diagnose', 'Before you report a problem'],
    ['mobyvm diagnose --out report.zip --force', 'Write to a given file, again'],
  ],
  run: (context, { out, force, json }) => diagnose(context, { out, force, json }),
});
