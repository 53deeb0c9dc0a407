import type { OperationEvent } from '../protocol/messages.js';
import { fitted, withoutControls, type Terminal } from './terminal.js';

const REMARKS = {
  none: 'unchanged',
  create: '',
  update: 'repaired',
  replace: 'recreated',
  remove: 'removed',
} as const;
/** Without a terminal, a slow step prints a line this often. */
const PLAIN_REMINDER_MS = 10_000;
const TICK_MS = 200;

/** Prints the events of one operation; call `event` for each and `stop` at the end. */
export class ProgressRenderer {
  readonly #terminal: Terminal;
  readonly #timer: NodeJS.Timeout;
  /** Of the steps that ran and have not been undone. */
  readonly #titles = new Map<string, string>();
  /** Unchanged steps in a row share one line. */
  #unchanged: { readonly titles: string[]; durationMs: number } | undefined;
  #step: RunningStep | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  event(event: OperationEvent): void {
    switch (event.event) {
      case 'operation.joined':
        return this.#line(
          `"${event.requester.command}" (pid ${event.requester.pid}) is already running; waiting for it to finish.`,
        );
      case 'operation.waiting':
        return this.#line(`Stopping "${event.requester.command}" (pid ${event.requester.pid}) first.`);
      case 'step.started':
        this.#titles.set(event.step, event.title);
        this.#step = {
          id: event.step,
          title: event.title,
          startedMs: performance.now(),
          detail: '',
          remindedMs: performance.now(),
        };
        return this.#tick();
      case 'step.progress':
        // A watcher of an earlier step may still report; that doesn't belong to this one.
        if (this.#step?.id === event.step) this.#step.detail = event.detail;
        return this.#tick();
      case 'step.done':
        return this.#done(event.durationMs, event.change);
      case 'step.failed':
        return this.#line(`✗ ${this.#step?.title ?? event.step}  ${seconds(event.durationMs)}`);
      case 'operation.notice':
        return this.#notice(event.message);
      case 'step.undone':
        return this.#undone(event.step);
      case 'operation.done':
      case 'operation.failed':
        return this.stop();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#flushUnchanged();
    this.#step = undefined;
    if (this.#terminal.isInteractive) this.#terminal.status('');
  }

  #done(durationMs: number, change: keyof typeof REMARKS): void {
    const { title = '', detail = '' } = this.#step ?? {};
    this.#step = undefined;
    if (change === 'none' && detail === '') {
      this.#unchanged ??= { titles: [], durationMs: 0 };
      this.#unchanged.titles.push(title);
      this.#unchanged.durationMs += durationMs;
      return;
    }
    this.#line(doneLine(title, durationMs, detail === '' ? REMARKS[change] : detail));
  }

  #flushUnchanged(): void {
    const unchanged = this.#unchanged;
    this.#unchanged = undefined;
    if (unchanged === undefined) return;
    const { titles, durationMs } = unchanged;
    const [only] = titles;
    this.#line(
      titles.length === 1 && only !== undefined
        ? doneLine(only, durationMs, REMARKS.none)
        : doneLine(`${titles.length} steps`, durationMs, `${REMARKS.none}: ${titles.join(', ')}`),
    );
  }

  /** A step has an undo for each of its effects, but is listed once. */
  #undone(step: string): void {
    const title = this.#titles.get(step);
    if (title !== undefined) this.#line(`↩ ${title} undone`);
    this.#titles.delete(step);
  }

  /** Never cut: the user has to be able to read all of it. */
  #notice(message: string): void {
    this.#flushUnchanged();
    if (this.#terminal.isInteractive) this.#terminal.status('');
    this.#terminal.error(`! ${withoutControls(message)}`);
  }

  #line(text: string): void {
    this.#flushUnchanged();
    if (this.#terminal.isInteractive) this.#terminal.status('');
    this.#terminal.error(fitted(text, this.#terminal.isInteractive ? this.#terminal.columns : 400));
  }

  #tick(): void {
    const step = this.#step;
    if (step === undefined) return;
    const now = performance.now();
    const text = `${step.title}  ${seconds(now - step.startedMs)}${step.detail === '' ? '' : `  ${step.detail}`}`;
    if (this.#terminal.isInteractive) {
      this.#terminal.status(fitted(`• ${text}`, this.#terminal.columns));
    } else if (now - step.remindedMs > PLAIN_REMINDER_MS) {
      step.remindedMs = now;
      this.#terminal.error(fitted(`  … ${text}`, 400));
    }
  }
}

interface RunningStep {
  readonly id: string;
  readonly title: string;
  readonly startedMs: number;
  detail: string;
  remindedMs: number;
}

function doneLine(title: string, durationMs: number, remark: string): string {
  return `✓ ${title}  ${seconds(durationMs)}${remark === '' ? '' : `  (${remark})`}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
