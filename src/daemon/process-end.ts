import { sleep, type Logger } from '../core/host/index.js';
import { textOf } from '../core/values/index.js';

/** Closes something that the daemon opened. */
export type Close = () => Promise<void>;

const CLOSE_TIMEOUT_MS = 10_000;
/** How long a process may take to exit by itself after its work is done. */
const GRACE_MS = 1_000;
const LOG_FLUSH_MS = 200;

/**
 * Runs every function, last first, even if some fail or never return: what is left open would keep the process
 * alive. Failures go to the log.
 */
export async function closeAll(
  closing: readonly Close[],
  logger: Logger | undefined,
  timeoutMs = CLOSE_TIMEOUT_MS,
): Promise<void> {
  for (const close of [...closing].reverse()) {
    const late = new AbortController();
    const reason = await Promise.race([
      Promise.resolve()
        .then(close)
        .then(() => undefined, textOf),
      sleep(timeoutMs, late.signal).then(
        () => `not done after ${timeoutMs / 1000} s`,
        () => undefined,
      ),
    ]);
    late.abort();
    if (reason !== undefined) logger?.warn('daemon.close.failed', { reason });
  }
}

/** The parts of a process that its end needs; a test passes its own. */
export interface EndingProcess {
  exitCode?: number | string | null | undefined;
  exit(code: number): void;
  on(event: 'exit', listener: () => void): unknown;
  getActiveResourcesInfo(): string[];
}

/** The end of this process. A daemon's must come: one that lives on without its lock holds ports that the next needs. */
export class ProcessEnd {
  readonly #process: EndingProcess;
  readonly #graceMs: number;
  #onHeld: ((resources: readonly string[]) => void) | undefined;

  constructor(process: EndingProcess, graceMs = GRACE_MS) {
    this.#process = process;
    this.#graceMs = graceMs;
  }

  /** Runs synchronously when the process ends, whatever ends it. */
  atExit(work: () => void): void {
    this.#process.on('exit', work);
  }

  /** From now on `end` doesn't wait for open work. @param onHeld is given what is still open, for the log */
  mustCome(onHeld: (resources: readonly string[]) => void): void {
    this.#onHeld = onHeld;
  }

  end(code: number): void {
    this.#process.exitCode = code;
    const onHeld = this.#onHeld;
    if (onHeld === undefined) return;
    // Without anything that holds the process it ends before the timer, which does not hold it either.
    setTimeout(() => {
      onHeld(this.#process.getActiveResourcesInfo());
      setTimeout(() => this.#process.exit(code), LOG_FLUSH_MS);
    }, this.#graceMs).unref();
  }
}
