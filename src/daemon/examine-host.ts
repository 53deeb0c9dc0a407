import { join } from 'node:path';
import { timeLimit, windowsProgram } from '../core/host/index.js';
import { parseSubnet, textOf, type Subnet } from '../core/values/index.js';
import { PowerShellSession } from '../powershell/index.js';
import type { MachineStatus } from './machine/machine-status.js';
import { causesFirst } from './doctor/causes.plan.js';
import { unseen, type Fact, type Finding, type Judgement } from './doctor/finding.js';
import { judgeSize } from './doctor/host-room.plan.js';
import { lookAtImage } from './doctor/image-finding.js';
import { lookAtAll, rejectionOf } from './doctor/look.js';
import { machineFindings, type ExaminedMachine, type ExaminedParts } from './doctor/machine-findings.js';
import { resourceFindings } from './doctor/resource-findings.js';
import { daemonLock, type DaemonContext } from './daemon-context.js';
import { gatherWindowsFacts } from './doctor/gather-windows.js';
import { linuxFindings } from './doctor/linux-findings.js';
import { readSettings, settingsFinding, type SettingsRead } from './doctor/settings-finding.js';
import { lastImageFindings } from './doctor/last-image-findings.js';
import { stateFilesFindings } from './doctor/state-files-findings.js';
import type { DoctorWants } from './doctor/windows-facts.js';
import { windowsFindings } from './doctor/windows-findings.plan.js';
import { hostSize } from './host-size.js';
import { imageLocation } from './image-location.js';
import { isUp } from './machine/observe-vm.js';
import { packagedImage } from './packaged-image.js';
import type { Settings } from './settings/schema.js';

const SWITCH_NAME = 'mobyvm';
/** The boot image is read as a whole, on a host that may be busy. */
const LOOK_SECONDS = 30;
const STATUS_MS = 10_000;
const UNREADABLE_SETTINGS = { unknown: 'the settings cannot be read' };

/**
 * Asks host, resources and VM side by side, and puts causes before what follows from them. Changes nothing, and needs no
 * daemon.
 * @param parts of the machine of the daemon in this process
 */
export async function examineHost(
  context: DaemonContext,
  parts: ExaminedParts | undefined,
): Promise<readonly Finding[]> {
  const { interrupted: signal } = context;
  const machine = parts?.machine;
  const status = machine?.status();
  // Each that needs it reports the failure.
  status?.catch(() => undefined);
  const found = await Promise.all([
    context.platform === 'windows' ? onWindows(context, status) : onLinux(context, status),
    stateFilesFindings(context.paths),
    lastImageFindings(context.paths),
    ...(machine === undefined || status === undefined ? [] : [ownResources(machine, status, signal)]),
    ...(parts === undefined || status === undefined ? [] : [machineFindings(parts, status, signal)]),
  ]);
  return causesFirst(found.flat());
}

async function ownResources(
  machine: ExaminedMachine,
  status: Promise<MachineStatus>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const isUp = ['running', 'degraded'].includes(machine.state);
  const { repairs } = await status.catch(() => ({ repairs: [] }));
  return resourceFindings({ resources: machine.resources(), isUp, repairs, signal });
}

async function onLinux(
  { rights, paths, interrupted: signal }: DaemonContext,
  machine: Promise<MachineStatus> | undefined,
): Promise<readonly Finding[]> {
  const { settingsFile, imageDir, stateDir } = paths;
  const isRoot = await rights.areHeld();
  return linuxFindings({ isRoot, settingsFile, imageDir, stateDir, machine, signal });
}

async function onWindows(
  context: DaemonContext,
  machine: Promise<MachineStatus> | undefined,
): Promise<readonly Finding[]> {
  const { env, paths, self, interrupted: signal } = context;
  const [program] = self;
  const systemProgram = (name: string): string => windowsProgram(name, env['SystemRoot']);
  const executable = systemProgram('WindowsPowerShell\\v1.0\\powershell');
  const settings = await readSettings(paths.settingsFile, 'windows');
  const daemonPid = (await daemonLock(context).holder())?.pid;
  const session = new PowerShellSession({ executable, env });
  try {
    const [facts, looks, machineSubnet] = await Promise.all([
      gatherWindowsFacts({
        powerShell: session,
        stateDir: paths.stateDir,
        systemProgram,
        program,
        daemonPid,
        signal,
        identity: () => session.identity({ signal }),
      }),
      alikeOnLinux(context, settings, machine),
      subnetOf(machine, signal),
    ]);
    const wants: DoctorWants = {
      settings: neededOf(settings),
      machineSubnet,
      switchName: SWITCH_NAME,
      machineFolder: paths.vmStateDir,
      program,
      daemonRuns: daemonPid !== undefined,
    };
    return [settingsFinding(settings, paths.settingsFile), ...looks, ...windowsFindings(facts, wants)];
  } finally {
    await session.close();
  }
}

/** What asks nothing of Windows itself, and is looked at as `linuxFindings` does. */
function alikeOnLinux(
  { paths, packageDir, interrupted: signal }: DaemonContext,
  settings: SettingsRead,
  machine: Promise<MachineStatus> | undefined,
): Promise<readonly Finding[]> {
  const withSettings =
    (look: (known: Settings, signal: AbortSignal) => Promise<Judgement>) =>
    (within: AbortSignal): Judgement | Promise<Judgement> =>
      'unreadable' in settings ? unseen(UNREADABLE_SETTINGS.unknown) : look(settings, within);
  const image = withSettings(async (known, within) => {
    const packaged = await packagedImage(join(packageDir, 'image'));
    return lookAtImage(imageLocation(known, paths, join, packaged), within);
  });
  const size = withSettings(async (known) => {
    const status = await machine;
    const isVmUp = status !== undefined && isUp(status.vm.state);
    // Windows itself is asked how much of the memory is free.
    return judgeSize(known, { ...hostSize(), availableMiB: undefined, isVmUp });
  });
  return lookAtAll(
    [
      { id: 'image', title: 'Boot image', look: image },
      { id: 'size', title: 'Memory and processors', look: size },
    ],
    { seconds: LOOK_SECONDS, signal },
  );
}

function neededOf(settings: SettingsRead): DoctorWants['settings'] {
  if ('unreadable' in settings) return UNREADABLE_SETTINGS;
  const { network, vm } = settings;
  const subnet = network.subnet === 'auto' ? 'auto' : parseSubnet(network.subnet);
  return { known: { memoryMiB: vm.memoryMiB, subnet } };
}

async function subnetOf(
  machine: Promise<MachineStatus> | undefined,
  signal: AbortSignal,
): Promise<Fact<Subnet | 'none'>> {
  try {
    const status = await Promise.race([machine, rejectionOf(timeLimit(STATUS_MS, signal))]);
    const { subnet } = status?.network ?? {};
    return { known: subnet === undefined ? 'none' : parseSubnet(subnet) };
  } catch (error) {
    signal.throwIfAborted();
    return { unknown: textOf(error) };
  }
}
