import { ADDRESS_FAMILY, getAdaptersAddresses } from '../calls/ip-helper.js';
import { ERROR } from '../error-codes.js';
import { WindowsCallError } from '../windows-call-error.js';
import { decodeAdapters, type Adapter } from './adapters.codec.js';
import { withBuffer } from './growing-buffer.js';

/** GAA_FLAG_SKIP_UNICAST, …_ANYCAST and …_MULTICAST: only the name servers are needed. */
const FLAGS = 0x1 | 0x2 | 0x4;

/** The adapters of this host that are up. @throws WindowsCallError */
export function adapters(): readonly Adapter[] {
  try {
    return withBuffer(
      'GetAdaptersAddresses',
      (into, length) => getAdaptersAddresses(ADDRESS_FAMILY.any, FLAGS, null, into, length),
      decodeAdapters,
    );
  } catch (error) {
    if (error instanceof WindowsCallError && error.windowsCode === ERROR.noData) return [];
    throw error;
  }
}
