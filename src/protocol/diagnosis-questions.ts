import { pathOf, ROUTES, type Route } from './control-routes.js';
import { shareListing } from './share-messages.js';

/** A question of a diagnosis to a daemon that may not answer. */
export interface AskedProbe {
  /** Kebab-case, stable. */
  readonly id: string;
  readonly title: string;
  readonly group: 'summary' | 'vm' | 'engine' | 'network' | 'names' | 'shares';
  readonly seconds: number;
  /** Questions of one lane are asked one after the other. */
  readonly lane?: string;
  readonly ask: (signal: AbortSignal) => Promise<AskedEvidence>;
}

/** Text as it is, or data; or why there cannot be anything. */
export type AskedEvidence =
  { readonly text: string } | { readonly data: unknown } | { readonly absent: string };

/** A request of the control API. */
export interface AskedRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** How the daemon is asked: over its socket, or by itself. */
export interface AskDaemon {
  readonly request: (request: AskedRequest, signal: AbortSignal) => Promise<unknown>;
  /** What `mobyvm doctor` finds. */
  readonly findings: (signal: AbortSignal) => Promise<unknown>;
  /** What a shell script prints in the VM; absent if no shell can be opened there. */
  readonly inGuest: (script: string, signal: AbortSignal) => Promise<AskedEvidence>;
}

type Row = readonly [
  id: string,
  title: string,
  group: AskedProbe['group'],
  seconds: number,
  request: AskedRequest,
];

/** One that mobyvm knows, and one that only the upstream servers can answer; it does not exist (RFC 6761 §6.4). */
const DNS_NAMES = ['host.docker.internal', 'diagnose.invalid'] as const;
const KVP_POOLS = ['host', 'guest', 'intrinsic'] as const;
const ROWS: readonly Row[] = [
  ['status', 'Status', 'summary', 20, requestOf(ROUTES.status)],
  ['published-ports', 'Published ports', 'network', 10, requestOf(ROUTES.ports)],
  ['leases', 'DHCP leases', 'network', 10, requestOf(ROUTES.leases)],
  ['dns-status', 'DNS server for containers', 'names', 10, requestOf(ROUTES.dnsStatus)],
  ...DNS_NAMES.map((name): Row => [
    `dns-${name.replaceAll('.', '-')}`,
    `What containers are answered for ${name}`,
    'names',
    15,
    requestOf(ROUTES.dnsQuery, { body: { name } }),
  ]),
  ...KVP_POOLS.map((pool): Row => [
    `kvp-${pool}`,
    `Key-value items: ${pool}`,
    'vm',
    15,
    requestOf(ROUTES.kvp, { params: { pool } }),
  ]),
  ['shares', 'Shares', 'shares', 10, requestOf(ROUTES.shares)],
];

/** Each shell costs the engine a container, which takes seconds on a slow VM: one for all of them. */
const GUEST_SECONDS = 40;
/** What only programs in the VM can tell. The longest comes first: of what is too long, the end is kept. */
const GUEST_SCRIPTS = [
  ['guest-dmesg', "The guest's kernel messages", 'dmesg'],
  ['guest-services', "The guest's services (OpenRC)", 'rc-status -a'],
  ['guest-file-systems', "The guest's file systems", 'df -Pk; df -Pi'],
] as const;
const ALL_SCRIPTS = GUEST_SCRIPTS.map(
  ([id, , script]) => `echo '== ${id}'; { ${script}; } 2>&1 || echo "(exit code $?)"`,
).join('; ');

/** What a diagnosis asks the daemon, each within its own time limit. */
export function diagnosisQuestions({ request, findings, inGuest }: AskDaemon): readonly AskedProbe[] {
  return [
    {
      ...{ id: 'doctor', title: 'Checks of this host', group: 'summary', seconds: 40 },
      ask: async (signal) => ({ data: await findings(signal) }),
    },
    ...ROWS.map(([id, title, group, seconds, asked]) => ({
      ...{ id, title, group, seconds },
      ask: async (signal: AbortSignal) => ({ data: await request(asked, signal) }),
    })),
    {
      ...{ id: 'share-checks', title: 'Checks of the shares', group: 'shares', seconds: 35 },
      ask: async (signal) => ({ data: await shareChecks(request, signal) }),
    },
    ...guestProbes(inGuest),
  ];
}

function guestProbes(inGuest: AskDaemon['inGuest']): readonly AskedProbe[] {
  let printed: Promise<AskedEvidence> | undefined;
  return GUEST_SCRIPTS.map(([id, title, script]) => ({
    ...{ id, title, group: 'vm', seconds: GUEST_SECONDS },
    ask: async (signal: AbortSignal) => {
      const evidence = await (printed ??= inGuest(ALL_SCRIPTS, signal));
      if (!('text' in evidence)) return evidence;
      const part = partOf(evidence.text, id);
      return part === undefined
        ? { absent: 'the shell in the VM ended before' }
        : { text: `$ ${script}\n${part}` };
    },
  }));
}

/** Undefined if the script did not come to that part. */
function partOf(printed: string, id: string): string | undefined {
  const heading = `== ${id}\n`;
  const at = printed.startsWith(heading) ? 0 : printed.indexOf(`\n${heading}`) + 1;
  // The heading of the first part is gone when what it printed is longer than what is kept.
  const isCut = at === 0 && !printed.startsWith(heading);
  if (isCut && id !== GUEST_SCRIPTS[0][0]) return undefined;
  const begin = isCut ? 0 : at + heading.length;
  const end = printed.slice(begin).search(/^== /m);
  return end === -1 ? printed.slice(begin) : printed.slice(begin, begin + end);
}

/** Side by side: a dead one would use up the time of the others. */
async function shareChecks(request: AskDaemon['request'], signal: AbortSignal): Promise<unknown> {
  const { shares } = shareListing.parse(await request(requestOf(ROUTES.shares), signal));
  return Promise.all(
    shares.map(async ({ name }) => {
      const check = request(requestOf(ROUTES.checkShare, { body: { name } }), signal);
      const found = await check.catch((error: unknown) => ({ failure: String(error) }));
      return { name, ...(found as object) };
    }),
  );
}

function requestOf<Params extends object, Body>(
  { method, path }: Route<Params, Body, unknown>,
  { params, body }: { readonly params?: Params; readonly body?: Body } = {},
): AskedRequest {
  return { method, path: pathOf(path, { ...params }), body };
}
