import { windowsProgram } from '../core/host/index.js';
import { parseSubnet } from '../core/values/index.js';
import { PowerShellSession } from '../powershell/index.js';
import type { MachineStatus } from './machine/machine-status.js';
import { causesFirst } from './doctor/causes.plan.js';
import type { Finding } from './doctor/finding.js';
import { machineFindings, type ExaminedMachine, type ExaminedParts } from './doctor/machine-findings.js';
import { resourceFindings } from './doctor/resource-findings.js';
import { daemonLock, type DaemonContext } from './daemon-context.js';
import { gatherWindowsFacts } from './doctor/gather-windows.js';
import { linuxFindings } from './doctor/linux-findings.js';
import { readSettings, settingsFinding } from './doctor/settings-finding.js';
import { lastImageFindings } from './doctor/last-image-findings.js';
import { stateFilesFindings } from './doctor/state-files-findings.js';
import type { DoctorWants } from './doctor/windows-facts.js';
import { windowsFindings } from './doctor/windows-findings.plan.js';
import { settingsSchema } from './settings/schema.js';

const SWITCH_NAME = 'mobyvm';

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
    context.platform === 'windows' ? onWindows(context) : onLinux(context, status),
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

async function onWindows(context: DaemonContext): Promise<readonly Finding[]> {
  const { env, paths, self, interrupted: signal } = context;
  const [program] = self;
  const systemProgram = (name: string): string => windowsProgram(name, env['SystemRoot']);
  const executable = systemProgram('WindowsPowerShell\\v1.0\\powershell');
  const settings = await readSettings(paths.settingsFile, 'windows');
  const daemonPid = (await daemonLock(context).holder())?.pid;
  const session = new PowerShellSession({ executable, env });
  try {
    const facts = await gatherWindowsFacts({
      powerShell: session,
      stateDir: paths.stateDir,
      systemProgram,
      program,
      daemonPid,
      signal,
      identity: () => session.identity({ signal }),
    });
    const { network, vm } = 'unreadable' in settings ? settingsSchema.parse({}) : settings;
    const subnet = network.subnet === 'auto' ? 'auto' : parseSubnet(network.subnet);
    const daemonRuns = daemonPid !== undefined;
    const wants: DoctorWants = {
      memoryMiB: vm.memoryMiB,
      subnet,
      switchName: SWITCH_NAME,
      machineFolder: paths.vmStateDir,
      program,
      daemonRuns,
    };
    return [settingsFinding(settings, paths.settingsFile), ...windowsFindings(facts, wants)];
  } finally {
    await session.close();
  }
}
