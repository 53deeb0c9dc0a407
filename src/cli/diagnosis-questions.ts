import { timeLimit } from '../core/host/index.js';
import type { AskedProbe, CommandContext } from './context.js';
import { ControlClient } from './control-client.js';
import { findingsOf } from './doctor.js';
import { guestOutput } from './guest-output.js';

/** One that mobyvm knows, and one that only the upstream servers can answer; it does not exist (RFC 6761 §6.4). */
const DNS_NAMES = ['host.docker.internal', 'diagnose.invalid'] as const;
const DAEMON_MS = 15_000;
const KVP_POOLS = ['host', 'guest', 'intrinsic'] as const;
const GUEST_SECONDS = 15;
/** What only programs in the VM can tell. */
const GUEST_SCRIPTS = [
  ['guest-dmesg', "The guest's kernel messages", 'dmesg'],
  ['guest-services', "The guest's services (OpenRC)", 'rc-status -a'],
  ['guest-file-systems', "The guest's file systems", 'df -Pk; df -Pi'],
] as const;

type Row = readonly [
  id: string,
  title: string,
  group: AskedProbe['group'],
  seconds: number,
  ask: (signal: AbortSignal) => Promise<unknown>,
];

/** What `mobyvm diagnose` asks the daemon, each within its own time limit. */
export function diagnosisQuestions(context: CommandContext): readonly AskedProbe[] {
  const { paths, rights } = context;
  const client = new ControlClient(paths.controlSocket, rights);
  const rows: readonly Row[] = [
    ['doctor', 'Checks of this host', 'summary', 40, (signal) => findings(context, signal)],
    ['status', 'Status', 'summary', 20, (signal) => client.status(signal)],
    ['published-ports', 'Published ports', 'network', 10, (signal) => client.listPorts(signal)],
    ['leases', 'DHCP leases', 'network', 10, (signal) => client.listLeases(signal)],
    ['dns-status', 'DNS server for containers', 'names', 10, (signal) => client.dnsStatus(signal)],
    ...DNS_NAMES.map((name): Row => [
      `dns-${name.replaceAll('.', '-')}`,
      `What containers are answered for ${name}`,
      'names',
      15,
      (signal) => client.queryDns({ name }, signal),
    ]),
    ...KVP_POOLS.map((pool): Row => [
      `kvp-${pool}`,
      `Key-value items: ${pool}`,
      'vm',
      15,
      (signal) => client.listKvp(pool, signal),
    ]),
    ['shares', 'Shares', 'shares', 10, (signal) => client.listShares(signal)],
    ['share-checks', 'Checks of the shares', 'shares', 35, (signal) => checkShares(client, signal)],
  ];
  return [
    ...rows.map(([id, title, group, seconds, ask]) => ({
      ...{ id, title, group, seconds },
      ask: async (signal: AbortSignal) => ({ data: await ask(signal) }),
    })),
    ...GUEST_SCRIPTS.map(([id, title, script]) => ({
      ...{ id, title, group: 'vm' as const, seconds: GUEST_SECONDS },
      // Each costs the engine a container: together they might all be late on a slow VM.
      lane: 'guest',
      ask: (signal: AbortSignal) => guestOutput(client, script, signal),
    })),
  ];
}

/** A daemon that hangs must leave time for the checks that need none. */
function findings(context: CommandContext, signal: AbortSignal): Promise<unknown> {
  return findingsOf(context, timeLimit(DAEMON_MS, signal));
}

/** Side by side: a dead one would use up the time of the others. */
async function checkShares(client: ControlClient, signal: AbortSignal): Promise<unknown> {
  const { shares } = await client.listShares(signal);
  return Promise.all(
    shares.map(async ({ name }) => ({
      name,
      ...(await client.checkShare(name, signal).catch((error: unknown) => ({ failure: String(error) }))),
    })),
  );
}
