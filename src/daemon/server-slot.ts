import type { Step } from '../core/host/index.js';

/** A server that lives in the daemon's own process. */
export interface ClosableServer {
  close(): Promise<void>;
}

/** One server of the daemon, started by a step of `up` and closed by `down` or by the undo of a failed start. */
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

  /** `configuration` is whatever the server's behaviour depends on: a running server is kept while it stays the same. */
  step(configuration: unknown, start: (signal: AbortSignal) => Promise<Server>): Step {
    const wanted = JSON.stringify(configuration);
    return {
      id: this.#id,
      title: this.#title,
      run: async ({ signal, onFailure }) => {
        if (this.#server !== undefined && this.#configuration === wanted) return 'none';
        const change = this.#server === undefined ? 'create' : 'replace';
        await this.close();
        this.#server = await start(signal);
        this.#configuration = wanted;
        onFailure(() => this.close());
        return change;
      },
    };
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.close();
  }
}
