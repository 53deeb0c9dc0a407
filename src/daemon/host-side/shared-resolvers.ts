import type { ResolverSource } from '../../proxy/index.js';

/**
 * One reading of the host for everybody who follows it: the DNS server forwards to its servers, the DHCP
 * server passes its search list on. Opened by the first and closed by the last of them.
 */
export class SharedResolvers {
  readonly #open: () => Promise<ResolverSource>;
  #opening: Promise<ResolverSource> | undefined;
  #users = 0;

  constructor(open: () => Promise<ResolverSource>) {
    this.#open = open;
  }

  /** The host's resolvers for one more user, whose `close` ends its own use and its own listeners only. */
  async open(): Promise<ResolverSource> {
    this.#users += 1;
    this.#opening ??= this.#open();
    let source: ResolverSource;
    try {
      source = await this.#opening;
    } catch (error) {
      this.#users -= 1;
      this.#opening = undefined;
      throw error;
    }
    return this.#handleOn(source);
  }

  #handleOn(source: ResolverSource): ResolverSource {
    const subscriptions = new Set<() => void>();
    let isOpen = true;
    return {
      current: (name) => source.current(name),
      get searchDomains() {
        return source.searchDomains;
      },
      get patience() {
        return source.patience;
      },
      onChange: (listener) => {
        const unsubscribe = source.onChange(listener);
        subscriptions.add(unsubscribe);
        return () => {
          subscriptions.delete(unsubscribe);
          unsubscribe();
        };
      },
      close: async () => {
        if (!isOpen) return;
        isOpen = false;
        subscriptions.forEach((unsubscribe) => unsubscribe());
        await this.#release(source);
      },
    };
  }

  async #release(source: ResolverSource): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#opening = undefined;
    await source.close();
  }
}
