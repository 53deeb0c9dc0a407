import { readFile, stat } from 'node:fs/promises';
import { sleep, type Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import type { DnsEndpoint } from './dns-endpoint.js';
import { parseResolvConf, type ResolvConf } from './resolv-conf.codec.js';

export interface ResolvConfWatch extends AsyncDisposable {
  /** What the file says now; empty when it is not there. */
  current(): ResolvConf;
  /** Called when the servers or the search list have changed. Returns the unsubscribe function. */
  onChange(listener: (conf: ResolvConf) => void): () => void;
  close(): Promise<void>;
}

export interface ResolvConfWatchOptions {
  /** `/etc/resolv.conf`; often a link whose target changes, so it is looked at by its name each time. */
  readonly path: string;
  readonly logger: Logger;
  /** Milliseconds between looks; 2,000 if absent. File events miss a replaced link's target, a look does not. */
  readonly everyMs?: number;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

const NOTHING: ResolvConf = { nameservers: [], search: [] };
const MAX_FILE_BYTES = 64 * 1024;

/** Reads a resolv.conf and follows its changes: a laptop that moves gets other resolvers. */
export async function watchResolvConf(options: ResolvConfWatchOptions): Promise<ResolvConfWatch> {
  const watch = new Watch(options);
  await watch.look();
  watch.start();
  return watch;
}

class Watch implements ResolvConfWatch {
  readonly #options: ResolvConfWatchOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(conf: ResolvConf) => void>();
  #conf = NOTHING;
  #mark = '';
  #looking: Promise<void> = Promise.resolve();

  constructor(options: ResolvConfWatchOptions) {
    this.#options = options;
  }

  current(): ResolvConf {
    return this.#conf;
  }

  onChange(listener: (conf: ResolvConf) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  start(): void {
    const signal = AbortSignal.any([this.#closing.signal, this.#options.signal]);
    this.#looking = this.#keepLooking(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#options.logger.error('dns.resolv-conf.unwatched', { reason: textOf(error) });
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#looking;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #keepLooking(signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#options.everyMs ?? 2_000, signal);
      await this.look();
    }
  }

  async look(): Promise<void> {
    const mark = await markOf(this.#options.path);
    if (mark === this.#mark) return;
    this.#mark = mark;
    const conf = await this.#read();
    if (JSON.stringify(conf) === JSON.stringify(this.#conf)) return;
    this.#conf = conf;
    this.#options.logger.info('dns.upstream.changed', {
      path: this.#options.path,
      servers: conf.nameservers.map((server: DnsEndpoint) => server.address).join(' '),
    });
    for (const listener of this.#listeners) listener(conf);
  }

  async #read(): Promise<ResolvConf> {
    try {
      return parseResolvConf((await readFile(this.#options.path, 'utf8')).slice(0, MAX_FILE_BYTES));
    } catch (error) {
      this.#options.logger.warn('dns.resolv-conf.unreadable', {
        path: this.#options.path,
        reason: textOf(error),
      });
      return NOTHING;
    }
  }
}

/** Changes when the file does, or what a link leads to. */
async function markOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return textOf(error);
  }
}
