import { useState } from 'preact/hooks';
import { call, command } from '../api.js';
import { bytesText } from '../format.js';
import type { Finding } from '../messages.js';
import { Badge, Card, Empty, ProblemNote, useAction, type Tone } from '../parts.js';

const TONES: Readonly<Record<Finding['verdict'], readonly [Tone, string]>> = {
  fine: ['good', 'ok'],
  notice: ['busy', 'note'],
  problem: ['bad', 'problem'],
  unknown: ['off', 'unknown'],
};

interface Report {
  readonly findings: readonly Finding[];
}

export function Doctor() {
  const action = useAction();
  const [report, setReport] = useState<Report | undefined>(undefined);
  const isFixable = report?.findings.some((each) => each.isFixable === true) ?? false;
  return (
    <>
      <Card
        title="Checks of this host"
        extra={
          <div class="buttons">
            <button
              type="button"
              class="primary"
              disabled={action.isBusy}
              onClick={() => void action.run(async () => setReport(await call<Report>('/v1/doctor')))}
            >
              {action.isBusy ? 'Checking…' : 'Check'}
            </button>
            {isFixable && (
              <button
                type="button"
                disabled={action.isBusy}
                onClick={() => void action.run(async () => setReport(await command<Report>('/v1/repair')))}
              >
                Repair
              </button>
            )}
          </div>
        }
      >
        {action.problem !== undefined && <ProblemNote problem={action.problem} />}
        {report === undefined && (
          <Empty>Checks everything that mobyvm needs of this host. Nothing is changed.</Empty>
        )}
        <ul class="list" aria-live="polite">
          {report?.findings.map(({ id, title, verdict, detail, remedy }) => (
            <li key={id} class="row">
              <span class="grow">
                <strong>{title}</strong>
                <small>{detail}</small>
                {remedy !== undefined && <small class="remedy">{remedy}</small>}
              </span>
              <Badge tone={TONES[verdict][0]}>{TONES[verdict][1]}</Badge>
            </li>
          ))}
        </ul>
      </Card>
      <Diagnosis />
    </>
  );
}

function Diagnosis() {
  const action = useAction();
  const [size, setSize] = useState<number | undefined>(undefined);
  const collect = async (): Promise<void> => {
    const { name, file } = await command<{ name: string; file: string }>('/v1/diagnose');
    const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
    saveFile(name, bytes);
    setSize(bytes.length);
  };
  return (
    <Card
      title="Diagnosis"
      extra={
        <button type="button" disabled={action.isBusy} onClick={() => void action.run(collect)}>
          {action.isBusy ? 'Collecting…' : 'Collect'}
        </button>
      }
    >
      <p>
        One zip file with what a report about a problem needs; secrets in it are masked. It takes up to a
        minute.
      </p>
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      <p role="status">{size === undefined ? '' : `Saved: ${bytesText(size)}.`}</p>
    </Card>
  );
}

function saveFile(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/zip' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
