import { shellWord } from '../core/values/index.js';
import type { MachineStatus } from '../protocol/messages.js';
import { endpointUrl, type HostPlatform } from '../protocol/platform.js';
import { seconds } from './render-progress.js';
import { withoutControls } from './terminal.js';

type Row = readonly [name: string, value: string];

export interface StatusText {
  /** Everything, instead of what a person asks first. */
  readonly verbose: boolean;
}

/**
 * `mobyvm status` for people: while everything is well at most ten lines, unless they want all of it. The endpoint is shown
 * as DOCKER_HOST takes it.
 */
export function statusLines(
  status: MachineStatus,
  platform: HostPlatform,
  { verbose }: StatusText = { verbose: false },
): string[] {
  const { engine, step } = status;
  const rows: readonly Row[] = [
    ['state', `${status.state} since ${status.since}`],
    ...rowIf(step, ({ title, elapsedMs, detail }) => [
      'step',
      `${title} (${seconds(elapsedMs)}) ${detail}`.trimEnd(),
    ]),
    ['engine', engineText(engine)],
    ['endpoint', endpointUrl(platform, engine.endpoint)],
    ...usualRow(engine, platform),
    ...vmRows(status, verbose),
    ...(verbose ? rowIf(status.guest, (guest) => ['system', systemText(guest)]) : []),
    ...diskRow(status.guest),
    ['network', networkText(status.network)],
    ...portsRow(status.ports),
    ...hostNetworkRow(status),
    ...shareRows(status.shares),
    ...heldRow(status.heldContainers),
    ...eventRows(status.fileEvents, verbose),
    ...repairRows(status.repairs, verbose),
    ...(verbose ? daemonRows(status) : []),
  ];
  const problem =
    status.error === undefined
      ? []
      : ['', status.error.message, `  → ${status.error.remedy}`, `  ${status.error.code}`];
  const others = [...brokenResources(status), ...(status.obstacles ?? [])].flatMap((each) => [
    '',
    each.problem,
    `  → ${each.remedy}`,
  ]);
  return [...rows.map(([name, value]) => `${name.padEnd(9)} ${value}`), ...problem, ...others];
}

/** Those that the state's own error does not tell. */
function brokenResources({
  resources = [],
  error,
}: MachineStatus): readonly { readonly problem: string; readonly remedy: string }[] {
  return resources.flatMap(({ problem, remedy = '' }) =>
    problem === undefined || problem === error?.message ? [] : [{ problem, remedy }],
  );
}

function rowIf<Value>(value: Value | undefined, row: (value: Value) => Row): readonly Row[] {
  return value === undefined ? [] : [row(value)];
}

function vmRows({ state, vm, pending = [] }: MachineStatus, verbose: boolean): readonly Row[] {
  const parts = [
    vm.state,
    vm.driver,
    vm.accelerator,
    vm.firmware,
    vm.cpus && (vm.cpus === 1 ? '1 CPU' : `${vm.cpus} CPUs`),
    vm.memoryMiB && `${vm.memoryMiB} MiB`,
  ];
  return [
    ['vm', parts.filter((part) => part !== undefined).join(', ')],
    ...rowIf(vm.saved, (saved) => ['', savedText(saved)]),
    ...pending.map(({ setting, from, to }): Row => [
      'pending',
      `${setting} ${from} → ${to} (\`mobyvm restart\`)`,
    ]),
    // Where it got to says nothing more once it is up.
    ...(verbose || state !== 'running' ? rowIf(vm.stage, (stage) => ['guest', stage]) : []),
  ];
}

function daemonRows({ daemon, resources = [] }: MachineStatus): readonly Row[] {
  return [
    ...resources.map(({ title, health }): Row => ['resource', `${title}: ${health}`]),
    ['daemon', `pid ${daemon.pid}, version ${daemon.version}, since ${daemon.startedAt}`],
  ];
}

/** For example "saved since 2026-05-04T03:02:01.000Z (412 MiB)". */
export function savedText({ at, bytes }: NonNullable<MachineStatus['vm']['saved']>): string {
  return `saved since ${at}${bytes === undefined ? '' : ` (${Math.round(bytes / 1024 ** 2)} MiB)`}`;
}

/** Where `docker` finds the engine without being told. */
function usualRow({ usual }: MachineStatus['engine'], platform: HostPlatform): readonly Row[] {
  if (usual === undefined) return [];
  const { endpoint, problem } = usual;
  return [['', problem === undefined ? endpointUrl(platform, endpoint) : `not at the usual one: ${problem}`]];
}

function engineText(engine: MachineStatus['engine']): string {
  if (!engine.reachable) return 'not reachable';
  return `Docker ${engine.version ?? '?'} (API ${engine.apiVersion ?? '?'}) answers${clockText(engine.clockOffsetMs)}`;
}

/** The engine reports whole seconds: less than two may be no difference at all. */
const CLOCK_DOUBT_MS = 2_000;

function clockText(offsetMs = 0): string {
  if (Math.abs(offsetMs) < CLOCK_DOUBT_MS) return '';
  return `, its clock is ${Math.round(Math.abs(offsetMs) / 1000)} s ${offsetMs < 0 ? 'behind' : 'ahead'}`;
}

function systemText({ os, kernel, addresses }: NonNullable<MachineStatus['guest']>): string {
  const parts = [os, kernel === '' ? '' : `Linux ${kernel}`, addresses.join(' ')];
  return withoutControls(parts.filter((part) => part !== '').join(', '));
}

/** Nothing until the guest has reported it. */
function diskRow(guest: MachineStatus['guest']): readonly Row[] {
  if (guest?.disk === undefined) return [];
  const { totalKiB, freeKiB } = guest.disk;
  const gib = (kib: number): string => (kib / 1024 ** 2).toFixed(1);
  return [['disk', `${gib(totalKiB - freeKiB)} of ${gib(totalKiB)} GiB used`]];
}

/** Nothing while no container publishes a port. */
function portsRow(ports: MachineStatus['ports']): readonly Row[] {
  const { open = 0, waiting = 0, failed = 0 } = ports ?? {};
  const parts = [
    ...(open === 0 ? [] : [`${open} open`]),
    ...(waiting === 0 ? [] : [`${waiting} waiting for their containers`]),
    ...(failed === 0 ? [] : [`${failed} failed (\`mobyvm port list\`)`]),
  ];
  return parts.length === 0 ? [] : [['ports', parts.join(', ')]];
}

/** `--network host` is the VM's network: users look for such a container at the addresses of their own host. */
function hostNetworkRow({
  hostNetworkContainers: names = [],
  network,
}: Pick<MachineStatus, 'hostNetworkContainers' | 'network'>): readonly Row[] {
  if (names.length === 0) return [];
  const where = `their ports are at the VM's address, ${network.vmAddress ?? 'see above'} (--network host)`;
  return [['', withoutControls(`${names.join(', ')}: ${where}`)]];
}

function shareRows(shares: MachineStatus['shares'] = []): readonly Row[] {
  return shares.map(({ name, hostPath, isReadOnly, state, reason }) => {
    const folder = name === hostPath ? '' : ` (${hostPath})`;
    const mode = isReadOnly ? ', read-only' : '';
    const why = reason === undefined ? '' : `: ${reason} (\`mobyvm share check ${shellWord(name)}\`)`;
    return ['share', withoutControls(`${name}${folder}${mode}, ${state}${why}`)];
  });
}

function heldRow(containers: MachineStatus['heldContainers'] = []): readonly Row[] {
  if (containers.length === 0) return [];
  return [['held', withoutControls(`${containers.join(', ')}: waiting for their shares`)]];
}

function eventRows(events: MachineStatus['fileEvents'], verbose: boolean): readonly Row[] {
  if (events === undefined) return [];
  const { mechanism, watched, problems } = events;
  return [
    ...(verbose
      ? rowIf(mechanism, (name) => ['events', `from ${watched} files and folders, by ${name}`])
      : []),
    ...problems.map(({ path, reason }): Row => ['events', withoutControls(`none from ${path}: ${reason}`)]),
  ];
}

/** The last of them says what to look for; the others are a matter of record. */
function repairRows(repairs: MachineStatus['repairs'] = [], verbose: boolean): readonly Row[] {
  const rows = repairs.map(({ at, title, problem }): Row => ['repaired', `${title} (${problem}) at ${at}`]);
  const [name, last] = rows.at(-1) ?? [];
  if (verbose || rows.length < 2 || name === undefined) return rows;
  return [[name, `${last}, and ${rows.length - 1} more (\`mobyvm status --verbose\`)`]];
}

function networkText(network: MachineStatus['network']): string {
  const where = network.namespace === undefined ? '' : ` in namespace ${network.namespace}`;
  const addresses =
    network.subnet === undefined
      ? 'no addresses'
      : `${network.subnet}, host ${network.hostAddress ?? '-'}, VM ${network.vmAddress ?? '-'}`;
  return `${network.name}${where}, ${addresses}`;
}
