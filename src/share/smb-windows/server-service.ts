import type { ManagedResource } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { cmdlet, type PowerShell } from '../../powershell/index.js';
import { isNotFound, orShareServerError } from './smb-windows-error.js';

const SERVICE = 'LanmanServer';

export interface ServiceState {
  readonly isRunning: boolean;
  readonly isDisabled: boolean;
}

/** Windows' service "Server"; undefined if Windows has none. */
export async function readServerService(
  powerShell: PowerShell,
  signal: AbortSignal,
): Promise<ServiceState | undefined> {
  const query = {
    pipeline: [cmdlet('Get-Service', { Name: [SERVICE] })],
    fields: { Status: 'text', StartType: 'text' },
  } as const;
  const rows = await orShareServerError('The state of the service "Server" could not be read', () =>
    powerShell.read(query, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return [];
      throw error;
    }),
  );
  const [row] = rows;
  return row && { isRunning: row.Status === 'Running', isDisabled: row.StartType === 'Disabled' };
}

/** Starts Windows' service "Server" if it does not run. It is never stopped: others use it as well. */
export function serverService(powerShell: PowerShell, isNeeded: boolean): ManagedResource {
  const isStopped = async (signal: AbortSignal): Promise<boolean> => {
    if (!isNeeded) return false;
    const found = await readServerService(powerShell, signal);
    if (found === undefined || (found.isDisabled && !found.isRunning)) throw disabledError(found);
    return !found.isRunning;
  };
  return {
    id: 'share-service',
    title: 'service Server',
    lifetime: 'machine',
    isRepaired: true,
    plan: async ({ signal }) =>
      (await isStopped(signal)) ? { kind: 'update', fields: ['state'] } : { kind: 'none' },
    async ensure({ signal }) {
      if (!(await isStopped(signal))) return 'none';
      await orShareServerError('The service "Server" was not started', () =>
        powerShell.run([cmdlet('Start-Service', { Name: [SERVICE] })], { signal, timeoutSeconds: 60 }),
      );
      return 'update';
    },
    remove: () => Promise.resolve('none'),
  };
}

function disabledError(found: ServiceState | undefined): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SHARE_SERVER',
    `Windows' file server, the service "Server" (${SERVICE}), is ${found === undefined ? 'missing' : 'disabled'}.`,
    `Enable it if your administrator allows it: Set-Service ${SERVICE} -StartupType Automatic`,
  );
}
