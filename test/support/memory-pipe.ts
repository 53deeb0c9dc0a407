import { Duplex } from 'node:stream';
import type { ListenLocally, LocalAccess } from '../../src/core/host/index.js';
import { ERROR } from '../../src/windows/error-codes.js';
import { listenOnNamedPipes } from '../../src/windows/pipe/pipe-listener.js';
import { WindowsCallError } from '../../src/windows/windows-call-error.js';
import { SimulatedPipes, type ClientHandle } from './simulated-pipes.js';

const WAIT_MS = 4_000;

/**
 * The product's own named-pipe listener over simulated pipes, so that its streams, with the half-close of
 * message-type pipes, are used in every run on any system.
 */
export class MemoryPipes {
  readonly system: SimulatedPipes;
  readonly listen: ListenLocally;
  readonly #groups: readonly string[];

  constructor(groups: readonly string[] = [], maxInstances?: number) {
    this.#groups = groups;
    this.system = new SimulatedPipes(groups, maxInstances);
    this.listen = listenOnNamedPipes({ system: this.system });
  }

  /** Waits for an instance as clients do (WaitNamedPipe), and gives up like them. */
  async connect(address: string): Promise<PipeClient> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      try {
        return new PipeClient(this.system.openClient(address));
      } catch (error) {
        if (!(error instanceof WindowsCallError) || error.windowsCode !== ERROR.pipeBusy) throw error;
        if (performance.now() > deadline) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  access(address: string): LocalAccess {
    const list = this.system.accessList(address) ?? '';
    const name = this.#groups.find((group) => list.includes(`;${this.system.groupSid(group) ?? ''})`));
    return name === undefined ? { kind: 'owner only' } : { kind: 'group', name };
  }
}

/** A client like go-winio's: ending its side sends a message of zero bytes, and the pipe stays open to be read. */
export class PipeClient extends Duplex {
  readonly #handle: ClientHandle;

  constructor(handle: ClientHandle) {
    super({ allowHalfOpen: true });
    this.#handle = handle;
  }

  override _read(): void {
    void this.#handle.read().then((data) => {
      if (this.destroyed) return;
      this.push(data ?? null);
      if (data === undefined) this.once('end', () => this.destroy());
    });
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#handle.write(chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#handle.write(Buffer.alloc(0)).then(
      () => done(),
      // The server has closed the pipe already.
      () => done(),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#handle.close();
    done(error);
  }
}
