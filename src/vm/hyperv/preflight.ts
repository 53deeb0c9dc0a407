import { waitFor, type Step } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { cmdlet, type PowerShell } from '../../powershell/index.js';
import { ENABLE_REMEDY, orHypervFailure } from './hyperv-failure.js';

const SERVICE = 'vmms';
const START_SECONDS = 60;

/**
 * Sees that Hyper-V's service runs, and starts it when it only stands still. The feature is asked for when there is none: that takes
 * seconds.
 */
export function hypervPreflight(powerShell: PowerShell): Step {
  return {
    id: 'hyperv',
    title: 'Hyper-V',
    async run({ signal, progress }) {
      const found = await readService(powerShell, signal);
      if (found === undefined) throw await withoutService(powerShell, signal);
      if (found.startMode === 'Disabled')
        throw unusable(
          'The service of Hyper-V (vmms) is disabled.',
          'Run: Set-Service vmms -StartupType Automatic; Start-Service vmms',
        );
      if (found.state === 'Running') return 'none';
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
          check: async (either) => (await readService(powerShell, either))?.state === 'Running',
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

/** By WMI: PowerShell 7's Get-Service fails as a whole for services that nobody may query. */
async function readService(
  powerShell: PowerShell,
  signal: AbortSignal,
): Promise<{ readonly state: string; readonly startMode: string } | undefined> {
  const query = {
    pipeline: [cmdlet('Get-CimInstance', { ClassName: 'Win32_Service', Filter: `Name = '${SERVICE}'` })],
    fields: { State: 'text', StartMode: 'text' },
  } as const;
  const [found] = await orHypervFailure('The services could not be read', () =>
    powerShell.read(query, { signal }),
  );
  return found && { state: found.State ?? '', startMode: found.StartMode ?? '' };
}

async function withoutService(powerShell: PowerShell, signal: AbortSignal): Promise<MobyvmError> {
  const feature = cmdlet('Get-WindowsOptionalFeature', { Online: true, FeatureName: 'Microsoft-Hyper-V' });
  const query = { pipeline: [feature], fields: { State: 'text' } } as const;
  const [found] = await orHypervFailure('The Windows feature Hyper-V could not be read', () =>
    powerShell.read(query, { signal, timeoutSeconds: START_SECONDS }),
  );
  if (found?.State === 'EnablePending')
    return unusable(
      'Hyper-V waits for a restart of Windows.',
      'Restart Windows, then run the command again.',
    );
  return unusable('The service of Hyper-V (vmms) does not exist.', ENABLE_REMEDY);
}

function unusable(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_HYPERV', message, remedy);
}
