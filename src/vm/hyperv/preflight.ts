import { resourceStep, waitFor, type Resource, type Step } from '../../core/host/index.js';
import { MobyvmError, type Change } from '../../core/values/index.js';
import { cmdlet, type PowerShell } from '../../powershell/index.js';
import { ENABLE_REMEDY, orHypervError } from './hyperv-error.js';

const SERVICE = 'vmms';
const START_SECONDS = 60;

/** The service of Hyper-V; or, if there is none, the state of the Windows feature. */
export type ServiceFound =
  { readonly state: string; readonly startMode: string } | { readonly feature: string | undefined };

/**
 * Hyper-V's service as a precondition: observe and plan change nothing, and `plan` throws what the user has
 * to fix. `ensure` starts a service that is stopped; `remove` does nothing, as the service is not ours.
 */
export function hypervService(powerShell: PowerShell): Resource<'running', ServiceFound> {
  return {
    id: 'hyperv',
    title: 'Hyper-V',
    observe: ({ signal }) => observeService(powerShell, signal),
    plan: planService,
    async ensure(_, found, { signal, progress }) {
      planService(found);
      progress('starting the service vmms');
      await orHypervError('The Hyper-V service (vmms) was not started', () =>
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
          hint: 'Run `mobyvm doctor`, and check the event log Hyper-V-VMMS.',
          code: 'MOBYVM_HYPERV',
        },
        signal,
      );
    },
    remove: () => Promise.resolve('none'),
  };
}

/** As the first step of `up`. */
export function hypervPreflight(powerShell: PowerShell): Step {
  return resourceStep(hypervService(powerShell), 'running');
}

async function observeService(powerShell: PowerShell, signal: AbortSignal): Promise<ServiceFound> {
  const service = await readService(powerShell, signal);
  // Reading the feature takes seconds, so only when it matters.
  return service ?? { feature: await readFeature(powerShell, signal) };
}

/** @throws MobyvmError MOBYVM_HYPERV when the service cannot be started as it is */
function planService(found: ServiceFound | undefined): Change {
  if (found === undefined || 'feature' in found) {
    throw found?.feature === 'EnablePending'
      ? unusableError('Hyper-V needs a restart of Windows.', 'Restart Windows, then run the command again.')
      : unusableError('The Hyper-V service (vmms) does not exist.', ENABLE_REMEDY);
  }
  if (found.startMode === 'Disabled')
    throw unusableError(
      'The Hyper-V service (vmms) is disabled.',
      'Run: Set-Service vmms -StartupType Automatic; Start-Service vmms',
    );
  return found.state === 'Running' ? { kind: 'none' } : { kind: 'update', fields: ['state'] };
}

/** Over WMI: PowerShell 7's Get-Service fails as a whole if there is a service that it may not query. */
async function readService(
  powerShell: PowerShell,
  signal: AbortSignal,
): Promise<{ readonly state: string; readonly startMode: string } | undefined> {
  const query = {
    pipeline: [cmdlet('Get-CimInstance', { ClassName: 'Win32_Service', Filter: `Name = '${SERVICE}'` })],
    fields: { State: 'text', StartMode: 'text' },
  } as const;
  const [found] = await orHypervError('The services could not be read', () =>
    powerShell.read(query, { signal }),
  );
  return found && { state: found.State ?? '', startMode: found.StartMode ?? '' };
}

async function readFeature(powerShell: PowerShell, signal: AbortSignal): Promise<string | undefined> {
  const feature = cmdlet('Get-WindowsOptionalFeature', { Online: true, FeatureName: 'Microsoft-Hyper-V' });
  const query = { pipeline: [feature], fields: { State: 'text' } } as const;
  const [found] = await orHypervError('The Windows feature Hyper-V could not be read', () =>
    powerShell.read(query, { signal, timeoutSeconds: START_SECONDS }),
  );
  return found?.State;
}

function unusableError(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_HYPERV', message, remedy);
}
