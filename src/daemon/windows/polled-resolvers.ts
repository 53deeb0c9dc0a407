import { Listeners, sleep, type Logger } from '../../core/host/index.js';
import { isAbort, textOf } from '../../core/values/index.js';
import type { ResolverSource } from '../../proxy/index.js';

export interface PolledResolversOptions {
  /** The host's name servers, in the order in which it asks them. */
  readonly read: (signal: AbortSignal) => Promise<readonly string[]>;
  readonly logger: Logger;
  /** Milliseconds between checks; 30,000 if absent: each is a call of PowerShell. */
  readonly everyMs?: number;
}

const DNS_PORT = 53;

/** The host's name servers by asking again and again. A failed check keeps the servers of the last one. */
export async function polledResolvers(options: PolledResolversOptions): Promise<ResolverSource> {
  const { read, logger, everyMs = 30_000 } = options;
  const closing = new AbortController();
  const changes = new Listeners();
  let servers: readonly string[] = [];
  const check = async (): Promise<void> => {
    try {
      const found = await read(closing.signal);
      if (found.join() === servers.join()) return;
      servers = found;
      logger.info('dns.resolvers.changed', { servers: found.join(' ') });
      changes.emit();
    } catch (error) {
      if (!closing.signal.aborted) logger.warn('dns.resolvers.unread', { reason: textOf(error) });
    }
  };
  const poll = async (): Promise<void> => {
    for (;;) {
      await sleep(everyMs, closing.signal);
      await check();
    }
  };
  await check();
  const polling = poll().catch((error: unknown) => {
    if (!isAbort(error)) throw error;
  });
  return {
    current: () => servers.map((address) => ({ address, port: DNS_PORT })),
    onChange: (listener) => changes.add(listener),
    close: async () => {
      closing.abort();
      await polling;
    },
  };
}
