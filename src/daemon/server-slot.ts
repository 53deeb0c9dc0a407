import type { ManagedResource, RemoveOutcome } from '../core/host/index.js';
import type { Change } from '../core/values/index.js';

/** A server that runs in the daemon's own process. */
export interface ClosableServer {
  close(): Promise<void>;
}

/** One server of the daemon as a resource: started by `up`, closed by `down` or by the undo of a failed start. */
export class ServerSlot<Server extends ClosableServer> {
  readonly #id: string;
  readonly #title: string;
  #server: Server | undefined;
  #configuration = '';

  constructor(id: string, title: string) {
    this.#id = id;
    this.#title = title;
  }

  get current(): Server | undefined {
    return this.#server;
  }

  /** `configuration` is whatever the server depends on: a running server is kept as long as it stays the same. */
  resource(configuration: unknown, start: (signal: AbortSignal) => Promise<Server>): ManagedResource {
    const wanted = JSON.stringify(configuration);
    const plan = (): Change => {
      if (this.#server === undefined) return { kind: 'create' };
      return this.#configuration === wanted
        ? { kind: 'none' }
        : { kind: 'replace', reason: 'its settings changed' };
    };
    return {
      id: this.#id,
      title: this.#title,
      lifetime: 'machine',
      isRepaired: false,
      plan: () => Promise.resolve(plan()),
      ensure: async ({ signal, onFailure }) => {
        const change = plan();
        if (change.kind === 'none') return 'none';
        await this.close();
        this.#server = await start(signal);
        this.#configuration = wanted;
        onFailure(() => this.close());
        return change.kind;
      },
      remove: () => this.#remove(),
    };
  }

  async close(): Promise<void> {
    await this.#remove();
  }

  async #remove(): Promise<RemoveOutcome> {
    const server = this.#server;
    this.#server = undefined;
    await server?.close();
    return server === undefined ? 'none' : 'remove';
  }
}
