import { windowsProgram } from '../core/host/index.js';
import { parseSubnet } from '../core/values/index.js';
import { PowerShellSession } from '../powershell/index.js';
import type { Finding } from '../protocol/messages.js';
import type { Machine } from './machine/machine.js';
import type { MachineStatus } from './machine/machine-status.js';
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

/** What of a machine is examined. */
export type ExaminedMachine = Pick<Machine, 'status' | 'resources'>;

/**
 * Checks everything that mobyvm needs of this host, and with a machine what `up` would change of its resources. Changes
 * nothing, and needs no daemon.
 * @param machine of the daemon in this process
 */
export async function examineHost(
  context: DaemonContext,
  machine: ExaminedMachine | undefined,
): Promise<readonly Finding[]> {
  const { interrupted: signal } = context;
  const status = await machine?.status();
  const findings = [
    ...(context.platform === 'windows' ? await onWindows(context) : await onLinux(context, status)),
    ...(await stateFilesFindings(context.paths)),
    ...(await lastImageFindings(context.paths)),
  ];
  if (machine === undefined || status === undefined) return findings;
  const isUp = status.state === 'running' || status.state === 'degraded';
  return [...findings, ...(await resourceFindings({ resources: machine.resources(), isUp, signal }))];
}

async function onLinux(
  { rights, paths, interrupted: signal }: DaemonContext,
  machine: MachineStatus | undefined,
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
      program,
      daemonRuns,
    };
    return [settingsFinding(settings, paths.settingsFile), ...windowsFindings(facts, wants)];
  } finally {
    await session.close();
  }
}
