import type { Logger } from '../../core/host/index.js';
import type { Ipv4 } from '../../core/values/index.js';
import { hostTable, type HostsSource } from '../../proxy/index.js';
import { followFile } from './followed-file.js';
import { parseHostsFile } from './hosts-file.codec.js';

export interface HostsFileOptions {
  readonly path: string;
  /** What containers reach the host by: it takes the place of loopback addresses. */
  readonly hostAddress: Ipv4;
  readonly logger: Logger;
  /** Milliseconds between checks; 2,000 if absent. */
  readonly everyMs?: number;
}

const MAX_FILE_BYTES = 32 * 1024 * 1024;

/** The names in the host's hosts file, read again whenever it changes. Without the file there are none. */
export async function hostsFile(options: HostsFileOptions): Promise<HostsSource> {
  const { path, hostAddress, logger, everyMs } = options;
  const file = await followFile({
    path,
    maxBytes: MAX_FILE_BYTES,
    parse: (text) => {
      const table = hostTable(parseHostsFile(text ?? '', hostAddress));
      logger.info('dns.hosts-file.read', { path, names: table.size });
      return table;
    },
    ...(everyMs === undefined ? {} : { everyMs }),
  });
  return {
    get table() {
      return file.value;
    },
    onChange: (listener) => file.onChange(listener),
    close: () => file.close(),
  };
}

/** No names, for good. */
export const NO_HOSTS: HostsSource = {
  table: hostTable([]),
  onChange: () => () => undefined,
  close: () => Promise.resolve(),
};
