import { access, constants } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { freeBytesIn } from '../../core/host/index.js';
import { errnoOf, formatSubnet, hostAt, parseSubnet, type Subnet } from '../../core/values/index.js';
import { chooseSubnet, findBlockers, qemuPreflight } from '../../vm/index.js';
import type { MachineStatus } from '../machine/machine-status.js';
import { hostSize } from '../host-size.js';
import { imageLocation } from '../image-location.js';
import { isUp } from '../machine/observe-vm.js';
import type { Settings } from '../settings/schema.js';
import { fine, notice, problem, unseen, type Finding, type Judgement } from './finding.js';
import { lookAtAll, type Look } from './look.js';
import { lookAtImage } from './image-finding.js';
import { judgeDisk, judgeSize } from './host-room.plan.js';
import { linuxPortFacts } from '../linux/port-facts.js';
import { judgePorts } from './ports-finding.js';
import { readSettings, settingsFinding } from './settings-finding.js';

interface DoctorStatus extends Pick<MachineStatus, 'vm'> {
  readonly network: { readonly name: string; readonly subnet?: string | undefined };
}

export interface LinuxDoctorOptions {
  readonly isRoot: boolean;
  readonly settingsFile: string;
  /** Of the image, unless the settings say otherwise. */
  readonly imageDir: string;
  readonly stateDir: string;
  /** What the daemon says, if one runs. */
  readonly machine: Promise<DoctorStatus | undefined> | DoctorStatus | undefined;
  readonly signal: AbortSignal;
}

/** For each: the boot image is read as a whole, on a host that may be busy. */
const SECONDS = 30;

/** Looks at what `mobyvm up` needs of a Linux host; changes nothing. */
export async function linuxFindings(options: LinuxDoctorOptions): Promise<readonly Finding[]> {
  const { isRoot, settingsFile, signal } = options;
  const settings = await readSettings(settingsFile, 'linux');
  type Ask = Look['look'];
  /** Skips looks that need the settings if they cannot be read; a separate finding reports that. */
  const withSettings = (
    look: (settings: Settings, signal: AbortSignal) => Judgement | Promise<Judgement>,
  ): Ask =>
    'unreadable' in settings
      ? () => unseen('the settings cannot be read')
      : (within) => look(settings, within);
  const asRoot = (look: Ask): Ask => (isRoot ? look : () => unseen('only root sees it'));
  const looks: readonly (readonly [id: string, title: string, look: Ask])[] = [
    ['root', 'Rights', () => rights(isRoot)],
    ['settings', 'Settings', () => settingsFinding(settings, settingsFile)],
    ['qemu', 'QEMU', lookAtQemu],
    ['kvm', 'KVM', asRoot(withSettings((known) => lookAtKvm(options, known)))],
    ['tun', 'Network devices', asRoot(lookAtTun)],
    [
      'image',
      'Boot image',
      asRoot(withSettings((known, within) => lookAtImage(imageLocation(known, options, join), within))),
    ],
    ['size', 'Memory and processors', withSettings((known) => lookAtSize(options, known))],
    [
      'disk',
      'Disk space',
      withSettings(async (known) => judgeDisk(known, options.stateDir, await freeBytesIn(options.stateDir))),
    ],
    ['subnet', 'Subnet', withSettings((known, within) => lookAtSubnet(options, known, within))],
    ['ports', 'Ports', asRoot(withSettings((known, within) => lookAtPorts(options, known, within)))],
    ['firewall', 'Firewall', asRoot(withSettings(lookAtFirewall))],
  ];
  return lookAtAll(
    looks.map(([id, title, look]) => ({ id, title, look })),
    { seconds: SECONDS, signal },
  );
}

function rights(isRoot: boolean): Judgement {
  return isRoot
    ? fine('running as root')
    : problem('not running as root', 'Use sudo: mobyvm creates network devices and rules.');
}

async function lookAtQemu(signal: AbortSignal): Promise<Judgement> {
  const programs = { qemuProgram: 'qemu-system-x86_64', qemuImgProgram: 'qemu-img' };
  const { qemu, qemuImg } = await qemuPreflight(programs, signal);
  return fine(`${qemu}, qemu-img ${qemuImg}`);
}

async function lookAtKvm(options: LinuxDoctorOptions, { vm }: Settings): Promise<Judgement> {
  const machine = await options.machine;
  if (vm.accelerator === 'tcg') return fine('not used: vm.accelerator is tcg');
  if (machine?.vm.accelerator === 'tcg')
    return notice(
      'the running VM is emulated: KVM is missing, or could not run its guest',
      'Everything works, several times slower; `mobyvm logs` has the reason (vm.accelerator).',
    );
  if (machine?.vm.accelerator === 'kvm') return fine('used by the running VM');
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
    return fine('/dev/kvm is accessible; `mobyvm up` tests whether it runs a guest');
  } catch (error) {
    const isMissing = errnoOf(error) === 'ENOENT';
    return notice(
      isMissing ? '/dev/kvm is missing: the VM is emulated' : '/dev/kvm is not accessible',
      isMissing
        ? 'Everything works, several times slower. Switch virtualization on in the firmware, or allow nested virtualization.'
        : 'Run it as root, or add the user to the group kvm.',
    );
  }
}

async function lookAtSize(options: LinuxDoctorOptions, settings: Settings): Promise<Judgement> {
  const machine = await options.machine;
  const availableMiB = Math.floor(freemem() / 1024 ** 2);
  const isVmUp = machine !== undefined && isUp(machine.vm.state);
  return judgeSize(settings, { ...hostSize(), availableMiB, isVmUp });
}

/** Those of a daemon that runs are its own, in whatever network namespace it lives. */
async function lookAtPorts(
  options: LinuxDoctorOptions,
  { network }: Settings,
  signal: AbortSignal,
): Promise<Judgement> {
  const machine = await options.machine;
  if (machine !== undefined && isUp(machine.vm.state)) return fine('served for the running VM');
  return judgePorts(hostAt(await subnetOf(network, signal), 1), linuxPortFacts);
}

async function lookAtTun(): Promise<Judgement> {
  try {
    await access('/dev/net/tun', constants.R_OK | constants.W_OK);
    return fine('/dev/net/tun is accessible');
  } catch {
    return problem(
      '/dev/net/tun is not accessible',
      'Run `modprobe tun` as root; in a container, pass the device through (--device /dev/net/tun).',
    );
  }
}

/** A machine that is up has its subnet, which something else may have taken since. */
async function lookAtSubnet(
  { machine }: LinuxDoctorOptions,
  { network }: Settings,
  signal: AbortSignal,
): Promise<Judgement> {
  const { subnet, name } = (await machine)?.network ?? {};
  if (subnet !== undefined && name !== undefined) {
    await chooseSubnet({ wanted: parseSubnet(subnet), bridge: name }, signal);
    return fine(`${subnet} is the VM's alone`);
  }
  return fine(`${formatSubnet(await subnetOf(network, signal))} is free`);
}

function subnetOf({ subnet, bridge }: Settings['network'], signal: AbortSignal): Promise<Subnet> {
  return chooseSubnet({ wanted: subnet === 'auto' ? 'auto' : parseSubnet(subnet), bridge }, signal);
}

async function lookAtFirewall({ network }: Settings, signal: AbortSignal): Promise<Judgement> {
  const blockers = await findBlockers(network.bridge, signal);
  const [first] = blockers;
  return first === undefined
    ? fine("no rules of other programs drop the VM's packets")
    : notice(first.problem.replace(/\.$/, ''), first.remedy);
}
