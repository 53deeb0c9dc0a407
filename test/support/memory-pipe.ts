import { Duplex, type DuplexOptions } from 'node:stream';
import type { ListenLocally, LocalAccess, LocalListenerOptions } from '../../src/core/host/index.js';
import { MobyvmError } from '../../src/core/values/index.js';

interface Pipe {
  readonly options: LocalListenerOptions;
  readonly ends: Set<ServerEnd>;
}

/**
 * A local listener in memory whose streams are nothing but Duplexes and behave like a message-type named pipe: a message
 * of zero bytes ends the client's input, and the server can only end by closing the whole pipe.
 */
export class MemoryPipes {
  readonly #pipes = new Map<string, Pipe>();
  readonly #groups: ReadonlySet<string>;

  constructor(groups: readonly string[] = []) {
    this.#groups = new Set(groups);
  }

  readonly listen: ListenLocally = (options) => {
    const { address } = options;
    if (this.#pipes.has(address))
      return Promise.reject(new MobyvmError('MOBYVM_ENDPOINT_IN_USE', `"${address}" is in use.`, ''));
    const pipe: Pipe = { options, ends: new Set() };
    this.#pipes.set(address, pipe);
    return Promise.resolve({
      address,
      get connections() {
        return pipe.ends.size;
      },
      restore: () => Promise.resolve(false),
      close: async () => {
        if (this.#pipes.get(address) === pipe) this.#pipes.delete(address);
        const ends = [...pipe.ends];
        const closed = ends.map((end) => new Promise((resolve) => end.once('close', resolve)));
        for (const end of ends) end.destroy();
        await Promise.all(closed);
      },
    });
  };

  connect(address: string): Promise<Duplex> {
    const pipe = this.#pipes.get(address);
    if (pipe === undefined) return Promise.reject(new TypeError(`nobody listens on ${address}`));
    const client = new ClientEnd();
    const server = new ServerEnd(client, { highWaterMark: pipe.options.highWaterMark });
    client.server = server;
    pipe.ends.add(server);
    server.once('close', () => pipe.ends.delete(server));
    pipe.options.onConnection(server, undefined);
    return Promise.resolve(client);
  }

  access(address: string): LocalAccess {
    const access = this.#pipes.get(address)?.options.access ?? { kind: 'owner only' };
    return access.kind === 'group' && this.#groups.has(access.name) ? access : { kind: 'owner only' };
  }
}

type Done = (error?: Error | null) => void;

/** One end: what the other one writes is read here, and confirmed once this end wants more. */
class End extends Duplex {
  #taken: Done | undefined;

  constructor(options?: DuplexOptions) {
    super({ ...options, allowHalfOpen: true });
  }

  receive(chunk: Buffer, done: Done): void {
    if (this.destroyed) done(broken());
    else if (this.push(Buffer.from(chunk))) done();
    else this.#taken = done;
  }

  override _read(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  /** Whoever writes to a broken pipe learns it. */
  protected fail(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.(broken());
  }
}

class ServerEnd extends End {
  readonly #client: ClientEnd;

  constructor(client: ClientEnd, options: DuplexOptions) {
    super(options);
    this.#client = client;
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    // Written to a message pipe, it would be an end.
    if (chunk.length === 0) done();
    else this.#client.receive(chunk, done);
  }

  override _final(done: Done): void {
    done();
    this.destroy();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.fail();
    this.#client.serverClosed();
    done(error);
  }

  /** @param isWhole the client has closed the pipe, and not only ended its input */
  clientEnded(isWhole: boolean): void {
    if (this.destroyed) return;
    this.push(null);
    if (!isWhole) return;
    if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }
}

class ClientEnd extends End {
  server: ServerEnd | undefined;
  #isServerClosed = false;

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    if (this.#isServerClosed) done(broken());
    else if (chunk.length === 0) this._final(done);
    else this.server?.receive(chunk, done);
  }

  override _final(done: Done): void {
    this.server?.clientEnded(false);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.fail();
    this.server?.clientEnded(true);
    done(error);
  }

  serverClosed(): void {
    this.#isServerClosed = true;
    if (this.destroyed) return;
    this.push(null);
    if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }
}

function broken(): Error {
  return Object.assign(new TypeError('the pipe is broken'), { code: 'EPIPE' });
}
