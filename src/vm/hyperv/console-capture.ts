import { createWriteStream, type WriteStream } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { fileMode, type Logger, makeFolder, sleep } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';

/** Hyper-V serves the pipe once the machine starts. */
const RETRY_MS = 50;

export interface ConsoleCaptureOptions {
  readonly pipe: string;
  /** Output is appended to it. */
  readonly logPath: string;
  readonly logger: Logger;
}

/**
 * Writes the output of a machine's COM port to a file until it is closed, and reconnects whenever the pipe
 * ends. Hyper-V serves the pipe to one client at a time.
 * @see https://learn.microsoft.com/powershell/module/hyper-v/set-vmcomport
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

  /** Everything received so far is in the file afterwards. */
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

  /** Returns when the connection has ended or could not be made. */
  async #connectOnce(): Promise<void> {
    const { pipe, logPath, logger } = this.#options;
    const socket = connect(pipe);
    this.#socket = socket;
    await new Promise<void>((ended) => {
      // It is normal that the pipe does not exist yet.
      socket.on('error', () => undefined);
      socket.on('close', () => ended());
      socket.on('connect', () => {
        this.#openFile(logPath)
          .then((file) => socket.pipe(file, { end: false }))
          .catch((error: unknown) => {
            logger.warn('vm.console.unwritable', { path: logPath, error: textOf(error) });
            // If nothing read it, the guest would block on its console.
            socket.resume();
          });
      });
    });
  }

  async #openFile(logPath: string): Promise<WriteStream> {
    if (this.#file !== undefined && !this.#file.destroyed) return this.#file;
    await makeFolder(dirname(logPath));
    const file = createWriteStream(logPath, { flags: 'a', mode: fileMode('owner') });
    file.on('error', (error) => {
      this.#options.logger.warn('vm.console.unwritable', { path: logPath, error: textOf(error) });
      this.#socket?.unpipe(file).resume();
    });
    this.#file = file;
    return file;
  }
}
