import { Listeners } from '../../core/host/index.js';
import {
  ACCEPTED_WHILE_RUNNING,
  CONTROL,
  RESUME_EVENTS,
  SERVICE_ERROR,
  SERVICE_STATE,
} from './service-codes.js';
import type { ServiceSystem } from './service-system.js';

/** A service between its start and its end, as its program sees it. */
export interface ServiceLife {
  /** What it was started with, without its name. */
  readonly args: readonly string[];
  /** Aborted when it is to stop: by a user, by an update, or because Windows shuts down. */
  readonly stopRequested: AbortSignal;
  /** It serves its clients now. Until then Windows shows it as starting. */
  ready(): void;
  /**
   * Its work is over and the process is about to exit. Windows is told last of all that it has stopped, because what comes
   * after that, such as the removal of its files by the installer, does not wait for the process.
   */
  ending(): void;
  /** Calls back when the host wakes up from sleep. @returns the unsubscribe function */
  onResume(listener: () => void): () => void;
  /** Calls back when a user has logged on or off. @returns the unsubscribe function */
  onSessionChange(listener: () => void): () => void;
}

export interface ServiceHostOptions {
  readonly system: ServiceSystem;
  /** The process that runs the service. */
  readonly process: {
    on(event: 'exit', listener: (code: number) => void): unknown;
    off(event: 'exit', listener: (code: number) => void): unknown;
  };
  /** How often it is reported that a start or stop makes progress; 1,000 ms if absent. */
  readonly tickMs?: number;
}

const SERVICE_WIN32_OWN_PROCESS = 0x10;
/** Longer than anything that keeps the event loop from ticking, such as loading the program. */
const WAIT_HINT_MS = 30_000;

type Pending = 'startPending' | 'stopPending';

/**
 * Runs this process as a Windows service. Windows is told that it is starting before anything else is loaded, that it
 * has stopped when the process exits, whatever ends it, and in between that a start or stop makes progress.
 */
export class ServiceHost {
  readonly #system: ServiceSystem;
  readonly #process: ServiceHostOptions['process'];
  readonly #tickMs: number;
  readonly #stop = new AbortController();
  readonly #resumed = new Listeners();
  readonly #sessionChanged = new Listeners();
  #pending: Pending | undefined;
  #isStarted = false;
  #checkPoint = 0;
  #ticking: NodeJS.Timeout | undefined;

  readonly #stopped = (code: number): void => {
    this.#leavePending();
    if (!this.#isStarted) return;
    const exit = code === 0 ? {} : { exitCode: SERVICE_ERROR.serviceSpecific, specificExitCode: code };
    this.#report(SERVICE_STATE.stopped, exit);
    this.#system.terminate(code);
  };

  constructor({ system, process, tickMs = 1_000 }: ServiceHostOptions) {
    this.#system = system;
    this.#process = process;
    this.#tickMs = tickMs;
    process.on('exit', this.#stopped);
  }

  /** Resolves when Windows has started the service. @throws WindowsCallError if it did not start this process */
  start(name: string): Promise<ServiceLife> {
    return new Promise((resolve, reject) => {
      this.#system.connect(name, {
        onStart: (args) => {
          this.#isStarted = true;
          this.#enter('startPending');
          this.#system.unref();
          resolve(this.#life(args));
        },
        onControl: (control, event) => this.#control(control, event),
        onUnconnected: reject,
      });
    });
  }

  #life(args: readonly string[]): ServiceLife {
    return {
      args,
      stopRequested: this.#stop.signal,
      ready: () => {
        if (this.#pending !== 'startPending') return;
        this.#leavePending();
        this.#report(SERVICE_STATE.running, { accepted: ACCEPTED_WHILE_RUNNING });
      },
      ending: () => {
        this.#process.off('exit', this.#stopped);
        this.#process.on('exit', this.#stopped);
      },
      onResume: (listener) => this.#resumed.add(listener),
      onSessionChange: (listener) => this.#sessionChanged.add(listener),
    };
  }

  #control(control: number, event: number): number {
    switch (control) {
      case CONTROL.interrogate:
        return 0;
      case CONTROL.stop:
      case CONTROL.shutdown:
      case CONTROL.preshutdown:
        this.#enter('stopPending');
        // Not before this call has returned: Windows waits for it.
        setImmediate(() => this.#stop.abort());
        return 0;
      case CONTROL.powerEvent:
        if (RESUME_EVENTS.includes(event)) setImmediate(() => this.#resumed.emit());
        return 0;
      case CONTROL.sessionChange:
        setImmediate(() => this.#sessionChanged.emit());
        return 0;
      default:
        return SERVICE_ERROR.callNotImplemented;
    }
  }

  #enter(pending: Pending): void {
    if (this.#pending === pending) return;
    this.#leavePending();
    this.#pending = pending;
    const tick = (): void => {
      this.#checkPoint += 1;
      this.#report(SERVICE_STATE[pending], { checkPoint: this.#checkPoint, waitHintMs: WAIT_HINT_MS });
    };
    tick();
    this.#ticking = setInterval(tick, this.#tickMs).unref();
  }

  #leavePending(): void {
    clearInterval(this.#ticking);
    this.#pending = undefined;
    this.#checkPoint = 0;
  }

  #report(state: number, fields: Partial<Parameters<ServiceSystem['setStatus']>[0]>): void {
    this.#system.setStatus({
      type: SERVICE_WIN32_OWN_PROCESS,
      state,
      accepted: 0,
      exitCode: 0,
      specificExitCode: 0,
      checkPoint: 0,
      waitHintMs: 0,
      ...fields,
    });
  }
}
