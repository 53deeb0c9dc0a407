import { windowsProgram } from '../core/host/index.js';
import { MobyvmError, parseSubnet } from '../core/values/index.js';
import { PowerShellSession } from '../powershell/index.js';
import { ControlClient } from './control-client.js';
import type { MachineStatus } from '../protocol/messages.js';
import { problem, type Finding, type Verdict } from '../daemon/doctor/finding.js';
import { gatherWindowsFacts } from '../daemon/doctor/gather-windows.js';
import { linuxFindings } from '../daemon/doctor/linux-findings.js';
import { readSettings, settingsFinding } from '../daemon/doctor/settings-finding.js';
import type { DoctorWants } from '../daemon/doctor/windows-facts.js';
import { windowsFindings } from '../daemon/doctor/windows-findings.plan.js';
import { lockHolder } from '../daemon/process-lock.js';
import type { HostPlatform } from '../daemon/platform.js';
import { settingsSchema } from '../daemon/settings/schema.js';
import type { CommandContext, CommandResult } from './context.js';
import { EXIT_FAILED, EXIT_FINE } from './exit-code.js';
import { withoutControls } from './terminal.js';

const SWITCH_NAME = 'mobyvm';
const MARKS: Readonly<Record<Verdict, string>> = {
  fine: 'ok',
  notice: 'note',
  problem: 'PROBLEM',
  unknown: '?',
};

/** `mobyvm doctor`: looks at everything that mobyvm needs of this host, also while no daemon runs. Changes nothing. */
export async function doctor(
  context: CommandContext,
  { json, platform }: { readonly json: boolean; readonly platform: HostPlatform },
): CommandResult {
  const findings = platform === 'windows' ? await onWindows(context) : await onLinux(context);
  if (json) context.terminal.out(JSON.stringify({ findings }));
  else findingLines(findings).forEach((line) => context.terminal.out(line));
  return findings.some(({ verdict }) => verdict === 'problem') ? EXIT_FAILED : EXIT_FINE;
}

export function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ title }) => title.length));
  const lines = findings.flatMap(({ verdict, title, detail, remedy }) => [
    `${MARKS[verdict].padEnd(7)}  ${title.padEnd(width)}  ${withoutControls(detail)}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(9 + width)}  → ${withoutControls(remedy)}`]),
  ]);
  return [...lines, '', sumOf(findings)];
}

function sumOf(findings: readonly Finding[]): string {
  const count = (wanted: Verdict): number => findings.filter(({ verdict }) => verdict === wanted).length;
  const problems = count('problem');
  if (problems > 0) return `${problems} ${problems === 1 ? 'problem stands' : 'problems stand'} in the way.`;
  const unseen = count('unknown');
  return unseen === 0
    ? 'Nothing stands in the way.'
    : `Nothing stands in the way, as far as it could be looked at; ${unseen} ${unseen === 1 ? 'line has' : 'lines have'} a question mark.`;
}

async function onLinux({ isRoot, paths, interrupted: signal }: CommandContext): Promise<readonly Finding[]> {
  const { settingsFile, imageDir, stateDir } = paths;
  const asked: { machine?: MachineStatus; hung?: Finding } = await new ControlClient(paths.controlSocket)
    .status()
    .then((machine) => ({ machine }), whyNoAnswer);
  const { machine, hung } = asked;
  const findings = await linuxFindings({ isRoot, settingsFile, imageDir, stateDir, machine, signal });
  return hung === undefined ? findings : [hung, ...findings];
}

/** No daemon, or none that may be asked, is nothing that stands in the way. */
function whyNoAnswer(error: unknown): { readonly hung?: Finding } {
  if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_CONTROL_API') return {};
  const { message, remedy } = error;
  return { hung: { id: 'daemon', title: 'Daemon', ...problem(message.replace(/\.$/, ''), remedy) } };
}

async function onWindows({ env, paths, interrupted: signal }: CommandContext): Promise<readonly Finding[]> {
  const systemProgram = (name: string): string => windowsProgram(name, env['SystemRoot']);
  const executable = systemProgram('WindowsPowerShell\\v1.0\\powershell');
  const settings = await readSettings(paths.settingsFile);
  const daemonPid = (await lockHolder(paths.lockFile))?.pid;
  const session = new PowerShellSession({ executable, env });
  try {
    const facts = await gatherWindowsFacts({
      ...{ powerShell: session, stateDir: paths.stateDir, systemProgram, daemonPid, signal },
      identity: () => session.identity({ signal }),
    });
    const { network, vm } = 'unreadable' in settings ? settingsSchema.parse({}) : settings;
    const subnet = network.subnet === 'auto' ? 'auto' : parseSubnet(network.subnet);
    const daemonRuns = daemonPid !== undefined;
    const wants: DoctorWants = { memoryMiB: vm.memoryMiB, subnet, switchName: SWITCH_NAME, daemonRuns };
    return [settingsFinding(settings, paths.settingsFile), ...windowsFindings(facts, wants)];
  } finally {
    await session.close();
  }
}
