import { access, constants } from 'node:fs/promises';
import { errnoOf, formatSubnet, MobyvmError, parseSubnet, textOf } from '../../core/index.js';
import { chooseSubnet, findBlockers, qemuPreflight } from '../../vm/index.js';
import { verifyImage } from '../image.js';
import type { Settings } from '../settings/schema.js';
import { fine, notice, problem, unseen, type Finding } from './finding.js';
import { readSettings, settingsFinding } from './settings-finding.js';

export interface LinuxDoctorOptions {
  readonly isRoot: boolean;
  readonly settingsFile: string;
  /** Of the image, unless the settings say otherwise. */
  readonly imageDir: string;
  readonly signal: AbortSignal;
}

type Judgement = Omit<Finding, 'id' | 'title'>;
type Look = () => Judgement | Promise<Judgement>;

/** Looks at what `mobyvm up` needs of a Linux host; changes nothing. */
export async function linuxFindings(options: LinuxDoctorOptions): Promise<readonly Finding[]> {
  const { isRoot, settingsFile, signal } = options;
  const settings = await readSettings(settingsFile);
  /** What needs the settings cannot be looked at without them; they are told of once. */
  const withSettings = (look: (settings: Settings) => Promise<Judgement>): Look =>
    'unreadable' in settings ? () => unseen('the settings cannot be read') : () => look(settings);
  const asRoot = (look: Look): Look => (isRoot ? look : () => unseen('only root sees it'));
  const looks: readonly (readonly [id: string, title: string, look: Look])[] = [
    ['root', 'Rights', () => rights(isRoot)],
    ['settings', 'Settings', () => settingsFinding(settings, settingsFile)],
    ['qemu', 'QEMU', () => lookAtQemu(signal)],
    ['kvm', 'KVM', asRoot(lookAtKvm)],
    ['tun', 'Network devices', asRoot(lookAtTun)],
    ['image', 'Boot image', asRoot(withSettings((known) => lookAtImage(options, known)))],
    ['subnet', 'Subnet', withSettings((known) => lookAtSubnet(known, signal))],
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
    ? fine('this is root')
    : problem('this is not root', 'Use sudo: mobyvm makes network devices and rules.');
}

async function lookAtQemu(signal: AbortSignal): Promise<Judgement> {
  const programs = { qemuProgram: 'qemu-system-x86_64', qemuImgProgram: 'qemu-img' };
  const { qemu, qemuImg } = await qemuPreflight(programs, signal);
  return fine(`${qemu}, qemu-img ${qemuImg}`);
}

async function lookAtKvm(): Promise<Judgement> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
    return fine('/dev/kvm can be used; whether a guest runs by it is tried at the start');
  } catch (error) {
    const isMissing = errnoOf(error) === 'ENOENT';
    return notice(
      isMissing ? '/dev/kvm is missing: the processor is emulated' : '/dev/kvm may not be used',
      isMissing
        ? 'Everything works, several times slower. Switch virtualization on in the firmware, or allow nested virtualization.'
        : 'Run it as root, or add the user to the group kvm.',
    );
  }
}

async function lookAtTun(): Promise<Judgement> {
  try {
    await access('/dev/net/tun', constants.R_OK | constants.W_OK);
    return fine('/dev/net/tun can be used');
  } catch {
    return problem(
      '/dev/net/tun cannot be used',
      'Run `modprobe tun` as root; in a container pass the device in.',
    );
  }
}

async function lookAtImage(
  { imageDir, signal }: LinuxDoctorOptions,
  { image }: Settings,
): Promise<Judgement> {
  const directory = image.directory ?? imageDir;
  await verifyImage(directory, signal);
  return fine(`${directory} is complete`);
}

async function lookAtSubnet({ network }: Settings, signal: AbortSignal): Promise<Judgement> {
  const wanted = network.subnet === 'auto' ? 'auto' : parseSubnet(network.subnet);
  const subnet = await chooseSubnet({ wanted, bridge: network.bridge }, signal);
  return fine(`${formatSubnet(subnet)} is free`);
}

async function lookAtFirewall({ network }: Settings, signal: AbortSignal): Promise<Judgement> {
  const blockers = await findBlockers(network.bridge, signal);
  const [first] = blockers;
  return first === undefined
    ? fine('no rule of others is in the way')
    : notice(first.problem.replace(/\.$/, ''), first.remedy);
}
