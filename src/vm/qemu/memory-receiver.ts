import { createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { fileMode } from '../../core/host/index.js';
import { isAbort } from '../../core/values/index.js';
import { checkedSocketPath } from './socket-path.js';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Receives a machine's memory from QEMU (`migrate unix:SOCKET`) and writes it to a file. With a socket
 * instead of QEMU's `exec:`, no shell sees our paths, and a full disk is reported as such rather than as a
 * broken pipe.
 */
export class MemoryReceiver {
  /** Resolves once QEMU has sent everything and the file has been synced to disk. */
  readonly written: Promise<{ readonly bytes: number }>;
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

  async #receive(filePath: string): Promise<{ bytes: number }> {
    try {
      const peer = await this.#accept();
      const file = createWriteStream(filePath, { mode: fileMode('owner'), highWaterMark: CHUNK_BYTES });
      await pipeline(peer, file, { signal: this.#stop.signal });
      await flush(filePath);
      return { bytes: file.bytesWritten };
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

/** Without this, a power failure soon after could leave a file of the right size with the wrong content. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
