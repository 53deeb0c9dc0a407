import { readFile, stat } from 'node:fs/promises';
import { Listeners, sleep, type Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import type { Endpoint, ResolverSource } from '../../proxy/index.js';
import { parseResolvConf } from './resolv-conf.codec.js';

export interface ResolvConfOptions {
  /**
   * Usually `/etc/resolv.conf`. Often a symbolic link whose target changes, so it is resolved at every check.
   */
  readonly path: string;
  readonly logger: Logger;
  /**
   * Milliseconds between checks; 2,000 if absent. File events would miss a replaced link target, polling does
   * not.
   */
  readonly everyMs?: number;
}

const MAX_FILE_BYTES = 64 * 1024;

/**
 * The name servers of a resolv.conf, read again whenever it changes: a laptop gets new ones with each
 * network.
 */
export async function resolvConfResolvers(options: ResolvConfOptions): Promise<ResolverSource> {
  const resolvers = new ResolvConfResolvers(options);
  await resolvers.check();
  resolvers.start();
  return resolvers;
}

class ResolvConfResolvers implements ResolverSource {
  readonly #options: ResolvConfOptions;
  readonly #closing = new AbortController();
  readonly #changes = new Listeners();
  #servers: readonly Endpoint[] = [];
  #fingerprint = '';
  #polling: Promise<void> = Promise.resolve();

  constructor(options: ResolvConfOptions) {
    this.#options = options;
  }

  current(): readonly Endpoint[] {
    return this.#servers;
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  start(): void {
    const { signal } = this.#closing;
    this.#polling = this.#poll(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#options.logger.error('dns.resolv-conf.unwatched', { reason: textOf(error) });
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#polling;
  }

  async check(): Promise<void> {
    const { path, logger } = this.#options;
    const fingerprint = await fingerprintOf(path);
    if (fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    const servers = await this.#read();
    if (JSON.stringify(servers) === JSON.stringify(this.#servers)) return;
    this.#servers = servers;
    logger.info('dns.upstream.changed', { path, servers: servers.map(({ address }) => address).join(' ') });
    this.#changes.emit();
  }

  async #poll(signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#options.everyMs ?? 2_000, signal);
      await this.check();
    }
  }

  async #read(): Promise<readonly Endpoint[]> {
    const { path, logger } = this.#options;
    try {
      return parseResolvConf((await readFile(path, 'utf8')).slice(0, MAX_FILE_BYTES)).nameservers;
    } catch (error) {
      logger.warn('dns.resolv-conf.unreadable', { path, reason: textOf(error) });
      return [];
    }
  }
}

/** Changes when the file changes, or when a link leads to another one. */
async function fingerprintOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return textOf(error);
  }
}
