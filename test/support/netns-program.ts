import { spawn, type ChildProcess } from 'node:child_process';
import { sleep, waitFor } from '../../src/core/host/index.js';
import { errnoOf, MobyvmError } from '../../src/core/values/index.js';

const MAX_LINES = 20_000;
const KILL_AFTER_MS = 3_000;

/** A program that a test started and that ends with it: SIGTERM, then SIGKILL, by its own pid. */
export class RunningProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #command: string;
  readonly #lines: string[] = [];
  readonly #exit: Promise<number | null>;
  /** Resolves when the process has ended; what it has started may still have its outputs. */
  readonly gone: Promise<unknown>;
  #ended = false;

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#command = [program, ...args].join(' ');
    this.#child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin?.on('error', () => undefined);
    for (const stream of [this.#child.stdout, this.#child.stderr]) if (stream !== null) this.#collect(stream);
    this.gone = new Promise((resolve) => this.#child.once('exit', resolve).once('error', resolve));
    this.#exit = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#lines.push(error.message);
        resolve(null);
      });
      this.#child.once('close', resolve);
    });
    void this.#exit.then(() => (this.#ended = true));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What it has printed so far, both outputs together. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Resolves, once its outputs have ended, to its exit code; null when a signal ended it or it could not be started. */
  get exit(): Promise<number | null> {
    return this.#exit;
  }

  send(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Waits for the first line, from `fromLine` on, that matches. Fails at once when the program ends before. */
  async line(pattern: RegExp, timeoutSeconds = 120, fromLine = 0): Promise<string> {
    let found: string | undefined;
    await waitFor(
      {
        title: `a line like ${String(pattern)} from "${this.#command}"`,
        timeoutSeconds,
        hint: 'See what it printed.',
        everyMs: 20,
        check: () => {
          found = this.#lines.slice(fromLine).find((line) => pattern.test(line));
          return Promise.resolve(found !== undefined);
        },
        giveUp: () => {
          if (this.#ended && !this.#lines.slice(fromLine).some((line) => pattern.test(line)))
            throw new MobyvmError(
              'MOBYVM_PROGRAM_FAILED',
              `"${this.#command}" ended without a line like ${String(pattern)}; it printed:\n${this.#lines.slice(-40).join('\n')}`,
              '',
            );
        },
      },
      new AbortController().signal,
    ).catch((error: unknown) => {
      throw error instanceof MobyvmError && error.code === 'MOBYVM_TIMEOUT'
        ? new MobyvmError(error.code, `${error.message}\n${this.#lines.slice(-40).join('\n')}`, '')
        : error;
    });
    return found ?? '';
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#ended) return this.#exit;
    this.#signal(signal);
    const cancel = new AbortController();
    const killed = sleep(KILL_AFTER_MS, cancel.signal).then(
      () => this.#signal('SIGKILL'),
      () => undefined,
    );
    const code = await this.#exit;
    cancel.abort();
    await killed;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      if (this.pid !== 0) process.kill(this.pid, signal);
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  }

  #collect(stream: NodeJS.ReadableStream): void {
    let partial = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (partial + chunk).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) if (this.#lines.length < MAX_LINES) this.#lines.push(line);
    });
    stream.on('end', () => {
      if (partial !== '') this.#lines.push(partial);
    });
  }
}
