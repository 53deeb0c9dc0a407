import { windowsProgram } from '../../core/host/index.js';
import { watchOnWindows } from '../../share/index.js';
import { addressChanges, windowsResolution, windowsSockets } from '../../windows/index.js';
import { excludedPorts } from './excluded-ports.js';
import { windowsPortFacts } from './port-facts.js';
import type { WindowsHost } from './windows-machine.js';

/**
 * What Windows itself says about this host, without PowerShell.
 * @param systemRoot the value of the `SystemRoot` variable
 */
export function windowsHostFacts(
  systemRoot: string | undefined,
): Pick<WindowsHost, 'portFacts' | 'resolution' | 'addressChanges' | 'watchFiles'> {
  const netsh = windowsProgram('netsh', systemRoot);
  return {
    portFacts: windowsPortFacts({
      sockets: windowsSockets,
      excludedPorts: (protocol) => excludedPorts(netsh, protocol),
    }),
    resolution: windowsResolution,
    addressChanges,
    watchFiles: watchOnWindows,
  };
}
