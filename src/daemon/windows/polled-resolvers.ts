import { Listeners, sleep, type Logger } from '../../core/host/index.js';
import { isAbort, textOf } from '../../core/values/index.js';
import { DEFAULT_PATIENCE, type ResolverSource } from '../../proxy/index.js';
import { serversByRule, type NameRule } from '../../windows/index.js';
import { searchDomainsOf } from '../host-side/search-domains.plan.js';

/** How the host resolves names now. */
export interface HostResolution {
  /** Addresses of its name servers, in the order in which it asks them. */
  readonly servers: readonly string[];
  readonly searchDomains: readonly string[];
  /** For names that other servers are asked for; none if absent. */
  readonly rules?: readonly NameRule[];
}

export interface PolledResolversOptions {
  readonly read: (signal: AbortSignal) => Promise<HostResolution>;
  readonly logger: Logger;
  /** Milliseconds between checks; 30,000 if absent: each may be a call of PowerShell. */
  readonly everyMs?: number;
  /** Says when to check at once, and is closed with the resolvers. */
  readonly changes?: HostChanges;
  /** Milliseconds between looks at the changes; 1,000 if absent. */
  readonly lookMs?: number;
}

/** Whether something on the host has changed. */
export interface HostChanges {
  /** True once after a change. */
  take(): boolean;
  close(): void;
}

const DNS_PORT = 53;

/** The host's name servers by asking again and again. A failed check keeps what the last one found. */
export async function polledResolvers(options: PolledResolversOptions): Promise<ResolverSource> {
  const { logger, everyMs = 30_000, changes: hostChanges, lookMs = 1_000 } = options;
  const closing = new AbortController();
  const changes = new Listeners();
  let known: Required<HostResolution> = { servers: [], searchDomains: [], rules: [] };
  const check = async (): Promise<void> => {
    try {
      const read = await options.read(closing.signal);
      const { servers, rules = [] } = read;
      const found = { servers, searchDomains: searchDomainsOf(read.searchDomains), rules };
      if (JSON.stringify(found) === JSON.stringify(known)) return;
      known = found;
      logger.info('dns.resolvers.changed', {
        servers: found.servers.join(' '),
        search: found.searchDomains.join(' '),
        rules: rules.flatMap(({ names }) => names).join(' '),
      });
      changes.emit();
    } catch (error) {
      if (!closing.signal.aborted) logger.warn('dns.resolvers.unread', { reason: textOf(error) });
    }
  };
  /** Until the next check. */
  const pause = async (): Promise<void> => {
    if (hostChanges === undefined) return sleep(everyMs, closing.signal);
    const end = performance.now() + everyMs;
    do await sleep(lookMs, closing.signal);
    while (performance.now() < end && !hostChanges.take());
  };
  const poll = async (): Promise<void> => {
    for (;;) {
      await pause();
      await check();
    }
  };
  await check();
  const polling = poll().catch((error: unknown) => {
    if (!isAbort(error)) throw error;
  });
  return {
    current: (name) =>
      (serversByRule(known.rules, name) ?? known.servers).map((address) => ({ address, port: DNS_PORT })),
    get searchDomains() {
      return known.searchDomains;
    },
    patience: DEFAULT_PATIENCE,
    onChange: (listener) => changes.add(listener),
    close: async () => {
      closing.abort();
      await polling;
      hostChanges?.close();
    },
  };
}
