import { command } from './command.js';
import { JSON_OUTPUT } from './shared-options.js';
import { stats } from './stats.js';
import { validInterval } from './valid-options.js';

export const statsCommand = command({
  name: 'stats',
  summary: 'Show what the VM, its disk, DNS and published ports use',
  details:
    'Shows the present figures until Ctrl-C, also while the VM or the daemon is restarted. If the output is no terminal they are shown once, and with --json as one object per line. CPU is the share of all processors that the VM has, MEMORY what it takes of this host, DISK what is used of the data disk, and DISK FILE what that disk takes on this host. What is not known is shown as "-", and is absent with --json. With --no-stream the exit code is 1 if the VM is off.',
  options: {
    json: JSON_OUTPUT,
    stream: {
      type: 'boolean',
      default: true,
      describe: 'Keep showing; with --no-stream show the figures once',
    },
    interval: {
      type: 'number',
      default: 1,
      requiresArg: true,
      describe: 'Seconds between two readings, over which rates are averages',
    },
  },
  examples: [
    ['mobyvm stats', 'Watch what the VM uses'],
    ['mobyvm stats --no-stream', 'Show it once'],
    ['mobyvm stats --json --interval 60', 'Record it each minute'],
  ],
  run: (context, { json, stream, interval }) =>
    stats(context, { json, isStreaming: stream, intervalMs: validInterval(interval) * 1_000 }),
});
