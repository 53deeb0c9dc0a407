import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestSide } from './kvp-fake/index.js';
import { HvStatus } from '../../src/kvp/wire/hv-status.js';
import { KVP_MESSAGE_BYTES } from '../../src/kvp/wire/kvp-frame.js';
import {
  decodeKvpRequest,
  encodeKvpAnswer,
  type KvpAnswer,
  type KvpRequest,
} from '../../src/kvp/wire/kvp-message.codec.js';
import { textValue, valueText } from '../../src/kvp/wire/kvp-value.codec.js';
import { decodePoolFile, POOL_RECORD_BYTES } from '../../src/kvp/wire/pool-file.codec.js';

/** What a guest may do with one request instead of answering it. */
export type GuestFault =
  | 'garbage'
  | 'unknown-status'
  | 'silent'
  | 'twice'
  | 'torn'
  | 'torn-and-gone'
  | 'gone'
  | 'bad-text'
  | 'unasked';

/**
 * The guest's end of QEMU's chardev: one client at a time, whole messages, the daemon's pools with their records as the
 * daemon keeps them (fields are overwritten only as far as the new text goes).
 */
export class SimulatedGuest implements GuestSide, AsyncDisposable {
  readonly path: string;
  readonly requests: KvpRequest[] = [];
  /** Things that the host must never do. */
  readonly violations: string[] = [];
  /** Asked with the number of the request, from 0. */
  fault: (request: KvpRequest, index: number) => GuestFault | undefined = () => undefined;
  isReady = true;
  connections = 0;
  /** Requests that came while it was not ready. */
  requestsUnready = 0;
  readonly #folder: string;
  readonly #server: Server;
  #socket: Socket | undefined;
  /** QEMU accepts the next client when the one before has gone. */
  readonly #waiting: Socket[] = [];
  readonly #pools = [new DaemonPool(), new DaemonPool()];
  readonly #listeners = new Set<() => void>();
  readonly #intrinsic: readonly (readonly [string, string])[];

  private constructor(intrinsic: readonly (readonly [string, string])[]) {
    this.#intrinsic = intrinsic;
    this.#folder = mkdtempSync(join(tmpdir(), `mobyvm-kvp-${process.pid}-`));
    this.path = join(this.#folder, 'kvp.sock');
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      this.#waiting.push(socket);
      this.#serveNext();
    });
  }

  static async listen(intrinsic: readonly (readonly [string, string])[] = []): Promise<SimulatedGuest> {
    const guest = new SimulatedGuest(intrinsic);
    await new Promise<void>((resolve) => guest.#server.listen(guest.path, resolve));
    return guest;
  }

  hostItems() {
    return decodePoolFile(this.#pools[0]!.file());
  }

  /** The bytes of `/var/lib/hyperv/.kvp_pool_0`. */
  hostPoolFile(): Uint8Array {
    return this.#pools[0]!.file();
  }

  setGuestItem(name: string, value: string): void {
    this.#pools[1]!.set(name, value);
  }

  removeGuestItem(name: string): void {
    this.#pools[1]!.delete(name);
  }

  onHostItems(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The pools are on a tmpfs. */
  forget(): void {
    this.#pools[0] = new DaemonPool();
    this.#pools[1] = new DaemonPool();
  }

  /** As when QEMU is restarted. */
  dropConnections(): void {
    this.#socket?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #serveNext(): void {
    if (this.#socket !== undefined) return;
    this.#socket = this.#waiting.shift();
    if (this.#socket !== undefined) this.#serve(this.#socket);
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    let received = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#socket = undefined;
      this.#serveNext();
    });
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      if (received.length > KVP_MESSAGE_BYTES) this.violations.push('more than one message');
      if (received.length < KVP_MESSAGE_BYTES) return;
      const message = new Uint8Array(received.subarray(0, KVP_MESSAGE_BYTES));
      received = Buffer.alloc(0);
      this.#answer(socket, decodeKvpRequest(message));
    });
    socket.resume();
  }

  #answer(socket: Socket, request: KvpRequest): void {
    const fault = this.fault(request, this.requests.length);
    this.requests.push(request);
    if (fault === 'silent') return;
    if (fault === 'gone') return void socket.destroy();
    const answer = encodeKvpAnswer(request.operation, this.#answerTo(request));
    switch (fault) {
      case 'garbage':
        return void socket.write(Buffer.alloc(KVP_MESSAGE_BYTES, 0xa5));
      case 'unknown-status':
        answer.set([1, 2, 3, 4]);
        return void socket.write(answer);
      case 'twice':
        return void socket.write(Buffer.concat([answer, answer]));
      case 'unasked':
        socket.write(answer);
        return void setTimeout(() => socket.write('late'), 5);
      case 'torn':
        return void socket.write(answer.subarray(0, 3_000));
      case 'torn-and-gone':
        return void socket.end(answer.subarray(0, 3_000));
      case 'bad-text':
        answer.fill(0xff, 20, 7_432);
        return void socket.write(answer);
      case undefined:
        socket.write(answer);
    }
  }

  #answerTo(request: KvpRequest): KvpAnswer {
    if (!this.isReady) {
      this.requestsUnready += 1;
      return { status: HvStatus.fail };
    }
    const none = { status: HvStatus.noMoreItems };
    switch (request.operation) {
      case 'set':
        this.#pools[request.pool]!.set(request.key, valueText(request.value));
        this.#tell();
        return { status: HvStatus.ok };
      case 'delete': {
        const found = this.#pools[request.pool]!.delete(request.key);
        this.#tell();
        return found ? { status: HvStatus.ok } : none;
      }
      case 'get': {
        const value = this.#pools[request.pool]?.get(request.key);
        return value === undefined ? none : { status: HvStatus.ok, value: textValue(value) };
      }
      case 'enumerate': {
        const item =
          request.pool === 2 ? this.#intrinsic[request.index] : this.#pools[request.pool]?.at(request.index);
        return item === undefined ? none : { status: HvStatus.ok, key: item[0], value: textValue(item[1]) };
      }
      case 'get-ip-info':
        if (request.info.adapterId !== '02:00:0A:00:4B:02') return { status: HvStatus.fail };
        return {
          status: HvStatus.ok,
          info: {
            ...request.info,
            addresses: ['10.0.75.2'],
            netmasks: ['255.255.255.0'],
            gateways: ['10.0.75.1'],
          },
        };
      case 'set-ip-info':
        return { status: HvStatus.notSupported };
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** hv_kvp_daemon's array of records: memory behind the last record keeps what was there. */
class DaemonPool {
  #memory = new Uint8Array(50 * POOL_RECORD_BYTES);
  readonly #index = new Map<string, number>();
  readonly #names: string[] = [];

  file(): Uint8Array {
    return this.#memory.slice(0, this.#names.length * POOL_RECORD_BYTES);
  }

  at(index: number): readonly [string, string] | undefined {
    const name = this.#names[index];
    return name === undefined ? undefined : [name, this.get(name) ?? ''];
  }

  get(name: string): string | undefined {
    const index = this.#index.get(name);
    if (index === undefined) return undefined;
    const value = this.#memory.subarray(index * POOL_RECORD_BYTES + 512, (index + 1) * POOL_RECORD_BYTES);
    return Buffer.from(value.subarray(0, value.indexOf(0))).toString();
  }

  set(name: string, value: string): void {
    const index = this.#index.get(name) ?? this.#names.push(name) - 1;
    this.#index.set(name, index);
    this.#grow();
    this.#memory.set(Buffer.from(`${name}\0`), index * POOL_RECORD_BYTES);
    this.#memory.set(Buffer.from(`${value}\0`), index * POOL_RECORD_BYTES + 512);
  }

  #grow(): void {
    if (this.#names.length * POOL_RECORD_BYTES <= this.#memory.length) return;
    const larger = new Uint8Array(this.#memory.length * 2);
    larger.set(this.#memory);
    this.#memory = larger;
  }

  delete(name: string): boolean {
    const index = this.#index.get(name);
    if (index === undefined) return false;
    this.#memory.copyWithin(
      index * POOL_RECORD_BYTES,
      (index + 1) * POOL_RECORD_BYTES,
      this.#names.length * POOL_RECORD_BYTES,
    );
    this.#names.splice(index, 1);
    this.#index.clear();
    this.#names.forEach((each, at) => this.#index.set(each, at));
    return true;
  }
}
