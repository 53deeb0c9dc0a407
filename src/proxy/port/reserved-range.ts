import { run } from '../../core/host/index.js';
import { decodeExcludedPorts, type ExcludedPorts } from './excluded-ports.codec.js';
import type { ReservedRange } from './publish-error.js';

/**
 * All ranges of ports that Windows lets nobody listen on.
 * @param netsh the place of that program
 * @throws MobyvmError when it fails
 */
export async function windowsReservedRanges(
  netsh: string,
  protocol: 'tcp' | 'udp',
  signal?: AbortSignal,
): Promise<readonly ExcludedPorts[]> {
  const args = ['interface', 'ipv4', 'show', 'excludedportrange', `protocol=${protocol}`];
  const { stdout } = await run(netsh, args, { timeoutMs: 3_000, ...(signal && { signal }) });
  return decodeExcludedPorts(stdout);
}

/** For Windows, where a port in an excluded range fails with "permission denied" (WSAEACCES, 10013) for everybody. */
export function windowsReservedRange(netsh: string): ReservedRange {
  return async (protocol, port) => {
    try {
      const range = (await windowsReservedRanges(netsh, protocol)).find(
        ({ first, last }) => first <= port && port <= last,
      );
      return range && `${range.first}-${range.last}`;
    } catch {
      // The refusal itself is told in any case.
      return undefined;
    }
  };
}
