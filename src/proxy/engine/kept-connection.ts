import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Keeps the connection of the daemon's last question to the engine for the next one: it asks every few seconds, and a new
 * connection costs a TLS handshake on both sides.
 */
export class KeptConnection {
  readonly #agent = new OwnStreams();

  /** There is a connection that the engine has not closed; it may lead nowhere all the same. */
  get isOpen(): boolean {
    return Object.values(this.#agent.freeSockets).some((sockets) => (sockets?.length ?? 0) > 0);
  }

  /** For the next request: uses the kept connection, or else this one. */
  agentFor(fresh: Duplex | undefined): Agent {
    // A reset may come while nobody waits for an answer.
    fresh?.on('error', () => undefined);
    this.#agent.fresh = fresh;
    return this.#agent;
  }

  close(): void {
    this.#agent.destroy();
  }
}

class OwnStreams extends Agent {
  fresh: Duplex | undefined;

  constructor() {
    super({ keepAlive: true, maxFreeSockets: 1 });
  }

  override createConnection(): Duplex | undefined {
    return this.fresh;
  }
}
