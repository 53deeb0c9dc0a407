import type { ComponentChildren } from 'preact';
import { secondsText } from '../../format.js';
import type { MachineStatus } from '../../messages.js';
import { Card } from '../../parts.js';
import { useNow } from '../../store.js';

interface CurrentProps {
  readonly status: MachineStatus;
  /** When the status came. */
  readonly statusMs: number;
  readonly isLive: boolean;
}

const TITLES: Readonly<Record<string, string>> = {
  starting: 'Starting',
  restarting: 'Restarting',
  stopping: 'Stopping',
};

/** The steps of the operation that runs, with the time that each has taken. */
export function CurrentSteps({ status, statusMs, isLive }: CurrentProps) {
  const now = useNow();
  const { step, timings, state } = status;
  if (step === undefined) return null;
  const elapsedMs = step.elapsedMs + (isLive ? Math.max(0, now - statusMs) : 0);
  // Only a start has a list of them; the rest has the current one.
  const done = state === 'starting' || state === 'restarting' ? (timings?.steps ?? []) : [];
  return (
    <Card title={TITLES[state] ?? 'In progress'}>
      <ol class="steps">
        {done.map(({ id, title, durationMs }) => (
          <Step key={id} title={title} time={secondsText(durationMs)} tone="done" />
        ))}
        <Step title={step.title} detail={step.detail} time={secondsText(elapsedMs)} tone="current" />
      </ol>
      <Stages status={status} />
    </Card>
  );
}

/** Folded up: it is asked for when a start was slow. */
export function LastStart({ status }: { status: MachineStatus }) {
  const { step, timings } = status;
  const done = timings?.steps ?? [];
  if (done.length === 0 || step !== undefined) return null;
  const total = done.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return (
    <Card title="Last start" extra={<span class="muted">{secondsText(total)}</span>}>
      <details>
        <summary>{done.length} steps</summary>
        <ol class="steps">
          {done.map(({ id, title, durationMs }) => (
            <Step key={id} title={title} time={secondsText(durationMs)} tone="done" />
          ))}
        </ol>
      </details>
      <Stages status={status} />
    </Card>
  );
}

interface StepProps {
  readonly title: ComponentChildren;
  readonly detail?: string;
  readonly time: string;
  readonly tone: 'done' | 'current' | 'plain';
}

function Step({ title, detail = '', time, tone }: StepProps) {
  return (
    <li class={tone} aria-current={tone === 'current' ? 'step' : undefined}>
      <span>
        {title}
        {detail !== '' && <small>{detail}</small>}
      </span>
      <span class="muted">{time}</span>
    </li>
  );
}

function Stages({ status: { timings } }: { status: MachineStatus }) {
  const guest = timings?.guest ?? [];
  if (guest.length === 0) return null;
  return (
    <details>
      <summary>Stages of the VM's boot</summary>
      <ol class="steps">
        {guest.map(({ stage, text, uptimeSeconds }, at) => (
          <Step key={at} title={stage} detail={text} time={`${uptimeSeconds.toFixed(1)} s`} tone="plain" />
        ))}
      </ol>
    </details>
  );
}
