import { MobyvmError, waitFor, type Step } from '../../core/index.js';
import { cmdlet, type PowerShell } from '../../powershell/index.js';
import { orHypervFailure } from './hyperv-failure.js';

const SERVICE = 'vmms';
const START_SECONDS = 60;

/**
 * Sees that Hyper-V's service runs, and starts it when it only stands still. What is behind a missing one is for `mobyvm doctor` to
 * find out: asking for the feature takes seconds.
 */
export function hypervPreflight(powerShell: PowerShell): Step {
  return {
    id: 'hyperv',
    title: 'Hyper-V',
    async run({ signal, progress }) {
      const found = await readService(powerShell, signal);
      if (found === undefined)
        throw unusable(
          'The service of Hyper-V (vmms) does not exist.',
          'Switch Hyper-V on and restart Windows: Enable-WindowsOptionalFeature -Online -All -FeatureName Microsoft-Hyper-V',
        );
      if (found.startType === 'Disabled')
        throw unusable(
          'The service of Hyper-V (vmms) is disabled.',
          'Run: Set-Service vmms -StartupType Automatic; Start-Service vmms',
        );
      if (found.status === 'Running') return 'none';
      progress('starting the service vmms');
      await orHypervFailure('The service of Hyper-V (vmms) was not started', () =>
        powerShell.run([cmdlet('Start-Service', { Name: SERVICE })], {
          signal,
          timeoutSeconds: START_SECONDS,
        }),
      );
      await waitFor(
        {
          title: 'the service vmms to run',
          check: async (either) => (await readService(powerShell, either))?.status === 'Running',
          timeoutSeconds: START_SECONDS,
          hint: 'Run `mobyvm doctor`, and look at the event log of Hyper-V-VMMS.',
          code: 'MOBYVM_HYPERV',
        },
        signal,
      );
      return 'update';
    },
  };
}

/** Asked for by its name, a service that does not exist would be an error. */
async function readService(
  powerShell: PowerShell,
  signal: AbortSignal,
): Promise<{ readonly status: string; readonly startType: string } | undefined> {
  const query = {
    pipeline: [cmdlet('Get-Service'), { where: 'Name', equals: SERVICE }],
    fields: { Status: 'text', StartType: 'text' },
  } as const;
  const [found] = await orHypervFailure('The services could not be read', () =>
    powerShell.read(query, { signal }),
  );
  return found && { status: found.Status ?? '', startType: found.StartType ?? '' };
}

function unusable(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_HYPERV', message, remedy);
}
