import { run } from '../../core/index.js';
import { decodeExcludedPorts } from './excluded-ports.codec.js';
import type { ReservedRange } from './publish-error.js';

/** For Windows, where a port in an excluded range fails with "permission denied" (WSAEACCES, 10013) for everybody. */
export const windowsReservedRange: ReservedRange = async (protocol, port) => {
  const args = ['interface', 'ipv4', 'show', 'excludedportrange', `protocol=${protocol}`];
  try {
    const { stdout } = await run('netsh', args, { timeoutMs: 3_000 });
    const range = decodeExcludedPorts(stdout).find(({ first, last }) => first <= port && port <= last);
    return range && `${range.first}-${range.last}`;
  } catch {
    // The refusal itself is told in any case.
    return undefined;
  }
};
