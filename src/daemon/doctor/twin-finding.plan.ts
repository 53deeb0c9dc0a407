import { fine, judged, notice, problem, type Finding } from './finding.js';
import type { DoctorWants, WindowsFacts } from './windows-facts.js';

/** As mobyvm names its own, and Docker did before. */
const NAME = 'MobyLinuxVM';

/** Another VM that passes for mobyvm's: a copy has its address, hardware address and host name. */
export function twinFinding({ machines }: WindowsFacts, { machineFolder }: DoctorWants): Finding {
  return judged('twin-vm', 'Other virtual machines', machines, (found) => {
    const twins = found.filter(
      ({ name, isMarked, path }) => (isMarked || name === NAME) && !isInside(path, machineFolder),
    );
    const copy = twins.find(({ isMarked, isRunning }) => isMarked && isRunning);
    if (copy !== undefined)
      return problem(
        `"${copy.name}" in ${copy.path} is a copy of mobyvm's VM and runs: both have the same address`,
        `Shut it down: Stop-VM -Name '${copy.name.replaceAll("'", "''")}'. mobyvm never changes a VM that is not its own.`,
      );
    const [twin] = twins;
    return twin === undefined
      ? fine("none that passes for mobyvm's")
      : notice(
          `"${twin.name}" in ${twin.path} has the name or notes of mobyvm's VM, but is not its own`,
          'mobyvm leaves it alone. Rename it, so that nobody takes one for the other.',
        );
  });
}

/** Windows compares paths without case, and accepts both slashes. */
function isInside(path: string, folder: string): boolean {
  const plain = (text: string): string => text.replaceAll('\\', '/').replace(/\/+$/, '').toLowerCase();
  return plain(path) === plain(folder) || plain(path).startsWith(`${plain(folder)}/`);
}
