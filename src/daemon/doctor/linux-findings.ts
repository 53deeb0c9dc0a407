import { access, constants } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { freeBytesIn } from '../../core/host/index.js';
import {
  errnoOf,
  formatSubnet,
  hostAt,
  MobyvmError,
  parseSubnet,
  textOf,
  type Subnet,
} from '../../core/values/index.js';
import { chooseSubnet, findBlockers, qemuPreflight } from '../../vm/index.js';
import type { MachineStatus } from '../machine/machine-status.js';
import { hostSize } from '../host-size.js';
import { verifyImage } from '../image.js';
import { imageLocation } from '../image-location.js';
import { isUp } from '../machine/observe-vm.js';
import type { Settings } from '../settings/schema.js';
import { fine, notice, problem, unseen, type Finding, type Judgement } from './finding.js';
import { judgeDisk, judgeSize } from './host-room.plan.js';
import { linuxPortFacts } from '../linux/port-facts.js';
import { judgePorts } from './ports-finding.js';
import { readSettings, settingsFinding } from './settings-finding.js';

export interface LinuxDoctorOptions {
  readonly isRoot: boolean;
  readonly settingsFile: string;
  /** Of the image, unless the settings say otherwise. */
  readonly imageDir: string;
  readonly stateDir: string;
  /** What the daemon says, if one runs. */
  readonly machine: Pick<MachineStatus, 'vm'> | undefined;
  readonly signal: AbortSignal;
}

type Look = () => Judgement | Promise<Judgement>;

/** Looks at what `mobyvm up` needs of a Linux host; changes nothing. */
export async function linuxFindings(options: LinuxDoctorOptions): Promise<readonly Finding[]> {
  const { isRoot, settingsFile, signal } = options;
  const settings = await readSettings(settingsFile, 'linux');
  /** Skips looks that need the settings if they cannot be read; a separate finding reports that. */
  const withSettings = (look: (settings: Settings) => Judgement | Promise<Judgement>): Look =>
    'unreadable' in settings ? () => unseen('the settings cannot be read') : () => look(settings);
  const asRoot = (look: Look): Look => (isRoot ? look : () => unseen('only root sees it'));
  const looks: readonly (readonly [id: string, title: string, look: Look])[] = [
    ['root', 'Rights', () => rights(isRoot)],
    ['settings', 'Settings', () => settingsFinding(settings, settingsFile)],
    ['qemu', 'QEMU', () => lookAtQemu(signal)],
    ['kvm', 'KVM', asRoot(withSettings((known) => lookAtKvm(options, known)))],
    ['tun', 'Network devices', asRoot(lookAtTun)],
    ['image', 'Boot image', asRoot(withSettings((known) => lookAtImage(options, known)))],
    ['size', 'Memory and processors', withSettings((known) => lookAtSize(options, known))],
    [
      'disk',
      'Disk space',
      withSettings(async (known) => judgeDisk(known, options.stateDir, await freeBytesIn(options.stateDir))),
    ],
    ['subnet', 'Subnet', withSettings((known) => lookAtSubnet(known, signal))],
    ['ports', 'Ports', asRoot(withSettings((known) => lookAtPorts(options, known)))],
    ['firewall', 'Firewall', asRoot(withSettings((known) => lookAtFirewall(known, signal)))],
  ];
  const findings: Finding[] = [];
  for (const [id, title, look] of looks) findings.push({ id, title, ...(await lookSafely(look, signal)) });
  return findings;
}

async function lookSafely(look: Look, signal: AbortSignal): Promise<Judgement> {
  try {
    return await look();
  } catch (error) {
    signal.throwIfAborted();
    const text = textOf(error).replaceAll(/\s+/g, ' ').replace(/\.$/, '');
    return error instanceof MobyvmError && error.remedy !== '' ? problem(text, error.remedy) : unseen(text);
  }
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

async function lookAtKvm({ machine }: LinuxDoctorOptions, { vm }: Settings): Promise<Judgement> {
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

function lookAtSize({ machine }: LinuxDoctorOptions, settings: Settings): Judgement {
  const availableMiB = Math.floor(freemem() / 1024 ** 2);
  const isVmUp = machine !== undefined && isUp(machine.vm.state);
  return judgeSize(settings, { ...hostSize(), availableMiB, isVmUp });
}

/** Those of a daemon that runs are its own, in whatever network namespace it lives. */
async function lookAtPorts(
  { machine, signal }: LinuxDoctorOptions,
  { network }: Settings,
): Promise<Judgement> {
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

async function lookAtImage(options: LinuxDoctorOptions, settings: Settings): Promise<Judgement> {
  const location = imageLocation(settings, options, join);
  await verifyImage(location, options.signal);
  return fine(`${location.directory} is complete`);
}

async function lookAtSubnet({ network }: Settings, signal: AbortSignal): Promise<Judgement> {
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
