import { createWriteStream, type WriteStream } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { type Logger, makeFolder, sleep } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';

/** Hyper-V serves the pipe from the moment on in which the machine starts. */
const RETRY_MS = 50;

export interface ConsoleCaptureOptions {
  readonly pipe: string;
  /** What comes is appended to it. */
  readonly logPath: string;
  readonly logger: Logger;
}

/**
 * Writes what a machine says on its COM port to a file, from now until it is closed; connects anew whenever the pipe ends. Hyper-V serves the
 * pipe, and one client at a time.
 */
export class ConsoleCapture {
  readonly #options: ConsoleCaptureOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #socket: Socket | undefined;
  #file: WriteStream | undefined;

  constructor(options: ConsoleCaptureOptions) {
    this.#options = options;
    this.#running = this.#run(this.#closing.signal);
  }

  /** What has come by then is in the file. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#socket?.destroy();
    await this.#running;
    const file = this.#file;
    if (file !== undefined && !file.destroyed) await new Promise<void>((done) => file.end(done));
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#connectOnce();
      await sleep(RETRY_MS, signal).catch(() => undefined);
    }
  }

  /** Returns when the connection has ended, or was not made. */
  async #connectOnce(): Promise<void> {
    const { pipe, logPath, logger } = this.#options;
    const socket = connect(pipe);
    this.#socket = socket;
    await new Promise<void>((ended) => {
      // That nobody serves the pipe yet is no news.
      socket.on('error', () => undefined);
      socket.on('close', () => ended());
      socket.on('connect', () => {
        this.#openFile(logPath)
          .then((file) => socket.pipe(file, { end: false }))
          .catch((error: unknown) => {
            logger.warn('vm.console.unwritable', { path: logPath, error: textOf(error) });
            // Unread, the guest would wait for its console.
            socket.resume();
          });
      });
    });
  }

  async #openFile(logPath: string): Promise<WriteStream> {
    if (this.#file !== undefined && !this.#file.destroyed) return this.#file;
    await makeFolder(dirname(logPath));
    const file = createWriteStream(logPath, { flags: 'a', mode: 0o600 });
    file.on('error', (error) => {
      this.#options.logger.warn('vm.console.unwritable', { path: logPath, error: textOf(error) });
      this.#socket?.unpipe(file).resume();
    });
    this.#file = file;
    return file;
  }
}
