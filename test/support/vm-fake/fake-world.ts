import { sleep } from '../../../src/core/host/index.js';
import { isAbort } from '../../../src/core/values/index.js';
import type { VmExit, VmSpec, VmStall } from '../../../src/vm/driver.js';

/** What the guest of a fake machine says while it boots: `UPTIME` becomes its uptime in seconds. */
export const FAKE_BOOT_LINES: readonly string[] = [
  'SeaBIOS (version fake)',
  'Booting from DVD/CD...',
  '[mobyvm UPTIME] initramfs: looking for the boot medium',
  '[mobyvm UPTIME] root: squashfs found on /dev/sr0',
  '[mobyvm UPTIME] init: OpenRC starts',
  '[mobyvm UPTIME] data: /dev/vda formatted and mounted',
  '[mobyvm UPTIME] network: 10.0.75.2 from 10.0.75.1',
  '[mobyvm UPTIME] containerd: ready',
  '[mobyvm UPTIME] engine: ready',
];

/** The stage from which on the guest hears the power button. */
const LISTENS_FROM = 'init:';
const SHUTDOWN_LINE = '[mobyvm UPTIME] shutdown: power button';
const MAX_CONSOLE_LINES = 5_000;

export type FakeRunState = 'running' | 'paused' | 'stalled' | 'crashed';

/**
 * The "host" of fake machines: it outlives the driver objects, as a QEMU process outlives a daemon. Give the same
 * world to a second driver to see it adopt the machine.
 *
 * INVARIANTS: `#boot` is set exactly while a machine runs; `saved` and a running machine exclude one another.
 */
export class FakeWorld {
  definition: VmSpec | undefined;
  /** Specification and uptime (milliseconds) of a saved machine. */
  saved: { readonly spec: VmSpec; readonly uptimeMs: number } | undefined;
  /** Sizes in GiB by path. */
  readonly disks = new Map<string, number>();
  readonly consoleLines: string[] = [];
  readonly lineListeners = new Set<(line: string) => void>();
  readonly exitListeners = new Set<(exit: VmExit) => void>();
  readonly stallListeners = new Set<(stall: VmStall) => void>();
  /** What the running machine was started with. */
  runningSpec: VmSpec | undefined;
  /** Set while the imaginary host has no space for what the guest writes. */
  stall: VmStall | undefined;
  #boot: AbortController | undefined;
  #runState: FakeRunState = 'running';
  #startedMs = 0;
  #hearsPowerButton = false;

  /** Undefined while no machine runs. */
  get runState(): FakeRunState | undefined {
    return this.#boot === undefined ? undefined : this.#runState;
  }

  get hearsPowerButton(): boolean {
    return this.#boot !== undefined && this.#runState === 'running' && this.#hearsPowerButton;
  }

  get uptimeMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Starts a machine that prints these lines, one every so many milliseconds. */
  boot(lines: readonly string[], lineEveryMs: number): void {
    this.consoleLines.length = 0;
    this.#hearsPowerButton = false;
    const boot = this.#begin(0);
    void this.#print(lines, lineEveryMs, boot.signal);
  }

  /** Restores a saved machine: no boot, and its uptime continues. */
  resume({ spec, uptimeMs }: { readonly spec: VmSpec; readonly uptimeMs: number }): void {
    this.#hearsPowerButton = true;
    this.#begin(uptimeMs, spec);
  }

  /** The machine stops doing anything, as a QEMU that hangs. */
  freeze(): void {
    this.#runState = 'crashed';
  }

  /** Stops the processors, as a save that was interrupted leaves them. */
  pause(): void {
    this.#runState = 'paused';
  }

  /** The imaginary host's disk is full, and the guest wants to write. */
  fillDisk(stall: VmStall): void {
    this.stall = stall;
    if (this.#boot === undefined) return;
    this.#runState = 'stalled';
    for (const listener of [...this.stallListeners]) listener(stall);
  }

  /** Resumes a stalled machine. */
  unstall(): void {
    this.#runState = 'running';
  }

  /** Ends the machine and tells everybody who listens. */
  end(exit: VmExit): void {
    if (this.#boot === undefined) return;
    this.#boot.abort();
    this.#boot = undefined;
    this.runningSpec = undefined;
    for (const listener of [...this.exitListeners]) listener(exit);
  }

  print(line: string): void {
    const text = line.replace('UPTIME', (this.uptimeMs / 1000).toFixed(2));
    if (text.includes(LISTENS_FROM)) this.#hearsPowerButton = true;
    this.consoleLines.push(text);
    if (this.consoleLines.length > MAX_CONSOLE_LINES) this.consoleLines.shift();
    for (const listener of [...this.lineListeners]) listener(text);
  }

  /** The guest's own shutdown, after the power button or by itself. */
  shutDown(exit: VmExit): void {
    this.print(SHUTDOWN_LINE);
    this.end(exit);
  }

  #begin(uptimeMs: number, spec = this.definition): AbortController {
    this.runningSpec = spec;
    this.#startedMs = performance.now() - uptimeMs;
    this.#runState = 'running';
    this.#boot = new AbortController();
    return this.#boot;
  }

  async #print(lines: readonly string[], lineEveryMs: number, signal: AbortSignal): Promise<void> {
    try {
      for (const line of lines) {
        await sleep(lineEveryMs, signal);
        if (this.#runState === 'running') this.print(line);
      }
    } catch (error) {
      if (!isAbort(error)) throw error;
    }
  }
}
