import type { OperationEvent } from './operation.js';

/** How long a step of a start took. */
export interface StepTiming {
  readonly id: string;
  readonly title: string;
  readonly durationMs: number;
}

/** A stage that the guest reported while it booted. The texts are the guest's: bounded, not trusted. */
export interface StageTiming {
  readonly stage: string;
  readonly text: string;
  /** The guest's uptime, seconds. */
  readonly uptimeSeconds: number;
}

/** How long the last start of the VM took, on the host and in the guest. */
export interface StartTimings {
  readonly steps: readonly StepTiming[];
  readonly guest: readonly StageTiming[];
}

/** Keeps the durations of the last start's steps, from when it found that the VM does not run. */
export class StepTimings {
  readonly #steps: StepTiming[] = [];
  #isStarting = false;
  #title = '';

  get steps(): readonly StepTiming[] {
    return this.#steps;
  }

  vmIsToStart(): void {
    this.#steps.length = 0;
    this.#isStarting = true;
  }

  operationEnded(): void {
    this.#isStarting = false;
  }

  follow(event: OperationEvent): void {
    if (!this.#isStarting) return;
    if (event.event === 'step.started') this.#title = event.title;
    if (event.event === 'step.done')
      this.#steps.push({ id: event.step, title: this.#title, durationMs: event.durationMs });
  }
}
