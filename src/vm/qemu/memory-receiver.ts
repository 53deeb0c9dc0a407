import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { fileMode } from '../../core/host/index.js';
import { isAbort } from '../../core/values/index.js';
import { checkedSocketPath } from './socket-path.js';

const CHUNK_BYTES = 1024 * 1024;

export interface ReceivedMemory {
  readonly bytes: number;
  /** Of the whole file. */
  readonly crc32: number;
}

/**
 * Receives a machine's memory from QEMU (`migrate unix:SOCKET`) and writes it to a file. With a socket
 * instead of QEMU's `exec:`, no shell sees our paths, and a full disk is reported as such rather than as a
 * broken pipe.
 */
export class MemoryReceiver {
  /** Resolves once QEMU has sent everything and the file has been synced to disk. */
  readonly written: Promise<ReceivedMemory>;
  readonly #server: Server;
  readonly #socketPath: string;
  readonly #stop = new AbortController();

  private constructor(server: Server, socketPath: string, filePath: string) {
    this.#server = server;
    this.#socketPath = socketPath;
    this.written = this.#receive(filePath);
    // Callers get the error when they await it; until then it must not count as an unhandled rejection.
    this.written.catch(() => undefined);
  }

  static async listen(socketPath: string, filePath: string): Promise<MemoryReceiver> {
    await rm(socketPath, { force: true });
    const server = createServer();
    server.maxConnections = 1;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(checkedSocketPath(socketPath), resolve);
    });
    return new MemoryReceiver(server, socketPath, filePath);
  }

  /** Ends the connection, if any, so that QEMU's side fails, and removes the socket. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.written.catch(() => undefined);
    await rm(this.#socketPath, { force: true });
  }

  /** Closes, and throws the error that made our side fail, if any. */
  async failure(): Promise<void> {
    await this.close();
    try {
      await this.written;
    } catch (error) {
      if (!isAbort(error)) throw error;
    }
  }

  async #receive(filePath: string): Promise<ReceivedMemory> {
    try {
      const peer = await this.#accept();
      const file = createWriteStream(filePath, { mode: fileMode('owner'), highWaterMark: CHUNK_BYTES });
      let checksum = 0;
      const summed = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const chunk of chunks) {
          checksum = crc32(chunk, checksum);
          yield chunk;
        }
      };
      await pipeline(peer, summed, file, { signal: this.#stop.signal });
      await flush(filePath);
      return { bytes: file.bytesWritten, crc32: checksum };
    } finally {
      this.#server.close();
    }
  }

  #accept(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const onStop = (): void => reject(this.#stop.signal.reason as Error);
      this.#stop.signal.addEventListener('abort', onStop, { once: true });
      this.#server.once('connection', (peer) => {
        this.#stop.signal.removeEventListener('abort', onStop);
        resolve(peer);
      });
    });
  }
}

/** The CRC-32 of a file, as {@link ReceivedMemory} has it. */
export async function crc32OfFile(path: string, signal: AbortSignal): Promise<number> {
  let checksum = 0;
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: CHUNK_BYTES, signal });
  for await (const chunk of chunks) checksum = crc32(chunk, checksum);
  return checksum;
}

/** Without this, a power failure soon after could leave a file of the right size with the wrong content. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
