import { run } from '../../core/host/index.js';
import type { Protocol } from '../../proxy/index.js';
import { decodeExcludedPorts, type ExcludedPorts } from './excluded-ports.codec.js';

/**
 * The port ranges that Windows lets no program bind: an attempt fails with WSAEACCES.
 * @param netsh absolute path of netsh.exe
 * @throws MobyvmError when netsh fails, CodecError when its output cannot be read
 */
export async function excludedPorts(
  netsh: string,
  protocol: Protocol,
  signal?: AbortSignal,
): Promise<readonly ExcludedPorts[]> {
  const args = ['interface', 'ipv4', 'show', 'excludedportrange', `protocol=${protocol}`];
  const { stdout } = await run(netsh, args, { timeoutMs: 3_000, ...(signal && { signal }) });
  return decodeExcludedPorts(stdout);
}
