import { waitFor, type ManagedResource } from '../../core/host/index.js';
import type { InstalledService } from '../../windows/index.js';

/** What mobyvm asks of the service control manager. */
export interface HostServicesOfWindows {
  find(name: string): Pick<InstalledService, 'state' | 'isDisabled'> | undefined;
  start(name: string): boolean;
}

/** WMI, the file server, and Hyper-V. */
const NEEDED = ['Winmgmt', 'LanmanServer', 'vmms'] as const;
const START_SECONDS = 120;

/**
 * The services of Windows that mobyvm uses. Our service starts with Windows beside them and does not depend on them,
 * because Windows would stop it whenever one of them is restarted. One that is missing or disabled is left to those
 * who use it, and know what its lack means.
 */
export function neededServices(
  services: () => Promise<HostServicesOfWindows>,
  names: readonly string[] = NEEDED,
): ManagedResource {
  const missing = (known: HostServicesOfWindows): readonly string[] =>
    names.filter((name) => {
      const found = known.find(name);
      return found !== undefined && !found.isDisabled && found.state !== 'running';
    });
  return {
    id: 'windows-services',
    title: 'services of Windows',
    lifetime: 'machine',
    isRepaired: false,
    async plan() {
      const fields = missing(await services());
      return fields.length === 0 ? { kind: 'none' } : { kind: 'update', fields };
    },
    async ensure({ signal, progress }) {
      const known = await services();
      if (missing(known).length === 0) return 'none';
      await waitFor(
        {
          title: `the services ${missing(known).join(', ')} to run`,
          code: 'MOBYVM_SERVICE',
          timeoutSeconds: START_SECONDS,
          hint: 'Start them in "Services" (services.msc), and see the event log "System".',
          everyMs: 250,
          check: () => {
            const left = missing(known);
            if (left.length > 0) progress(`waiting for ${left.join(', ')}`);
            for (const name of left) if (known.find(name)?.state === 'stopped') known.start(name);
            return Promise.resolve(left.length === 0);
          },
        },
        signal,
      );
      return 'update';
    },
    remove: () => Promise.resolve('none'),
  };
}
