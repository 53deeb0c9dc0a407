import { randomBytes } from 'node:crypto';
import type { KvpExchange } from '../../kvp/index.js';
import { askServer, joinHostPort, type DnsServer } from '../../proxy/index.js';
import type { Shares } from '../../share/index.js';
import { judgeCertificates } from './certificates-finding.js';
import { fine, notice, problem, unseen, type Finding, type Judgement } from './finding.js';
import { lookAtAll, oneLine, rejectionOf, type Look } from './look.js';
import { judgeClock, judgeGuestDisk, judgeVm } from './machine-judgements.plan.js';
import { judgeShares, type CheckedShare } from './shares-finding.plan.js';
import type { Machine } from '../machine/machine.js';
import type { MachineStatus } from '../machine/machine-status.js';

/** What of a machine is examined. */
export interface ExaminedMachine extends Pick<Machine, 'status' | 'state' | 'resources' | 'pingEngine'> {
  readonly kvp: Pick<KvpExchange, 'list'>;
}

/** What belongs to a machine and is examined with it. */
export interface ExaminedParts {
  readonly machine: ExaminedMachine;
  /** The DNS server that containers use, while there is one. */
  readonly dns: () => Pick<DnsServer, 'ask' | 'servers'> | undefined;
  readonly shares: Pick<Shares, 'load' | 'list' | 'check'>;
  /** What last showed a wrong token, in milliseconds since 1970; undefined if that was right since. */
  readonly wrongToken: () => { readonly who: string; readonly atMs: number } | undefined;
  /** Where the certificates are. */
  readonly tlsDir: string;
  /** A check of a share costs no more than its state, which is looked at all the time anyway. */
  readonly checksShares: boolean;
}

/** Each of them; a daemon that is asked for a diagnosis has some seconds more. */
const SECONDS = 10;

/** Asks the VM, what runs in it, and what the daemon does for it. Changes nothing. */
export function machineFindings(
  parts: ExaminedParts,
  status: Promise<MachineStatus>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { state } = parts.machine;
  const vm: Look = { id: 'vm', title: 'Virtual machine', look: async () => judgeVm(await status) };
  // A machine that is stopped, or being started, has nothing else to ask.
  const isExamined = ['running', 'degraded', 'failed'].includes(state);
  const looks = isExamined ? [vm, ...guestLooks(parts, status), ...serviceLooks(parts, status)] : [vm];
  return lookAtAll(looks, { seconds: SECONDS, signal });
}

function guestLooks({ machine, tlsDir }: ExaminedParts, status: Promise<MachineStatus>): readonly Look[] {
  return [
    { id: 'kvp', title: 'Key-value exchange', look: (within) => lookAtKvp(machine.kvp, within) },
    { id: 'certificates', title: 'Certificates', look: () => judgeCertificates(tlsDir, Date.now()) },
    {
      id: 'data-disk',
      title: "VM's data disk",
      look: async () => judgeGuestDisk((await status).guest?.disk),
    },
    { id: 'engine', title: 'Docker Engine', look: (within) => lookAtEngine(machine, within) },
    {
      id: 'clock',
      title: "VM's clock",
      look: async (within) => judgeClock((await machine.pingEngine(within)).clockOffsetMs),
    },
  ];
}

function serviceLooks(parts: ExaminedParts, status: Promise<MachineStatus>): readonly Look[] {
  const { dns, shares, checksShares } = parts;
  return [
    { id: 'token', title: 'Token of the VM', look: async () => judgeToken(parts, await status) },
    { id: 'dns', title: 'DNS servers', look: (within) => lookAtDns(dns(), within) },
    { id: 'shares', title: 'Shares', look: (within) => lookAtShares(shares, checksShares, within) },
  ];
}

async function lookAtKvp(kvp: Pick<KvpExchange, 'list'>, signal: AbortSignal): Promise<Judgement> {
  try {
    const { items } = await kvp.list('intrinsic', signal);
    return fine(`hv_kvp_daemon in the VM answers with ${items.length} items`);
  } catch (error) {
    const reason = signal.aborted ? `no answer within ${SECONDS} s` : oneLine(error);
    return problem(
      `hv_kvp_daemon in the VM does not answer: ${reason}`,
      'The VM restarts it within seconds. If it stays so, run `mobyvm shell -- rc-service mobyvm-kvp restart`, or `mobyvm restart`.',
    );
  }
}

async function lookAtEngine(machine: ExaminedMachine, signal: AbortSignal): Promise<Judgement> {
  try {
    await machine.pingEngine(signal);
    return fine('answers');
  } catch (error) {
    const reason = signal.aborted ? `no answer within ${SECONDS} s` : oneLine(error);
    return problem(
      `does not answer: ${reason}`,
      'The VM restarts it within seconds. If it stays so, check `mobyvm console` and run `mobyvm restart`.',
    );
  }
}

function judgeToken({ wrongToken }: ExaminedParts, { since }: MachineStatus): Judgement {
  const wrong = wrongToken();
  // A VM that was started since then was given the token again.
  if (wrong === undefined || wrong.atMs < Date.parse(since))
    return fine("nothing in the VM showed another than this machine's");
  return problem(
    `${wrong.who} in the VM showed a token that is not this machine's, and was refused`,
    'Run `mobyvm restart`: the VM gets the token again. Until then, ports cannot be published and shares are not watched.',
  );
}

/**
 * A name that no cache has, does not exist, and is asked for no further than the host's servers (RFC 6761 §6.2). Names in
 * `invalid` would not do: they are answered without asking anyone.
 */
function unknownName(): string {
  return `doctor-${randomBytes(6).toString('hex')}.test`;
}

async function lookAtDns(
  server: Pick<DnsServer, 'ask' | 'servers'> | undefined,
  signal: AbortSignal,
): Promise<Judgement> {
  if (server === undefined) return unseen('the DNS server is not running');
  const servers = server.servers().filter(({ domain }) => domain === undefined);
  const names = servers.map(({ endpoint }) => joinHostPort(endpoint.address, endpoint.port)).join(', ');
  if (servers.length === 0)
    return notice('this host has no DNS servers', 'Connect it to a network, or set network.dnsServers.');
  const answer = askServer(server, unknownName(), undefined).then(({ rcode }) => rcode);
  const rcode = await Promise.race([answer, rejectionOf(signal)]).catch(() => 'SERVFAIL');
  if (rcode !== 'SERVFAIL') return fine(`${names}: containers are answered`);
  return problem(
    `no server answers: ${names}`,
    'Connect this host to its network again, or set network.dnsServers; `mobyvm dns status` shows each server.',
  );
}

async function lookAtShares(
  shares: ExaminedParts['shares'],
  checks: boolean,
  signal: AbortSignal,
): Promise<Judgement> {
  await shares.load();
  const checked = await Promise.all(
    shares.list().map(async ({ share, status }): Promise<CheckedShare> => ({
      name: share.name,
      status,
      // A share of which nothing is known in time is as it was when it was looked at last.
      steps: checks
        ? await shares.check(share.name, AbortSignal.any([signal])).catch(() => undefined)
        : undefined,
    })),
  );
  return judgeShares(checked);
}
