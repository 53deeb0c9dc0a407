import { useState } from 'preact/hooks';
import { call } from '../../api.js';
import { Question } from '../../confirm.js';
import type { ListedShare, ShareCheck } from '../../messages.js';
import { Badge, ProblemNote, useAction } from '../../parts.js';
import { SHARE_TONES } from '../share-state.js';
import { Password } from './password.js';

export function ShareRow({ share }: { share: ListedShare }) {
  const { name, user } = share;
  const action = useAction();
  const [check, setCheck] = useState<ShareCheck | undefined>(undefined);
  const [asks, setAsks] = useState<'password' | 'removal' | undefined>(undefined);
  const remove = (): void =>
    void action.run(async () => {
      await call('/v1/shares/remove', { name });
    });
  return (
    <li>
      <Tick share={share} isBusy={action.isBusy} onClear={() => setAsks('removal')} />
      <Failure share={share} />
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      <div class="buttons">
        <button
          type="button"
          disabled={action.isBusy}
          aria-label={action.isBusy ? undefined : `Check ${name}`}
          onClick={() =>
            void action.run(async () => setCheck(await call<ShareCheck>('/v1/shares/check', { name })))
          }
        >
          {action.isBusy ? 'Please wait…' : 'Check'}
        </button>
        {user !== undefined && (
          <button
            type="button"
            onClick={() => setAsks(asks === 'password' ? undefined : 'password')}
            aria-expanded={asks === 'password'}
          >
            New password
          </button>
        )}
      </div>
      {asks === 'password' && <Password name={name} account={user ?? ''} onDone={() => setAsks(undefined)} />}
      {asks === 'removal' && (
        <Removal
          name={name}
          onAnswer={(isYes) => {
            setAsks(undefined);
            if (isYes) remove();
          }}
        />
      )}
      {check !== undefined && <CheckSteps check={check} />}
    </li>
  );
}

interface TickProps {
  readonly share: ListedShare;
  readonly isBusy: boolean;
  readonly onClear: () => void;
}

function Tick({ share, isBusy, onClear }: TickProps) {
  return (
    <div class="row">
      <label class="tick grow">
        <input
          type="checkbox"
          checked
          disabled={isBusy}
          onClick={(event) => {
            // It is cleared when the share is gone.
            event.preventDefault();
            onClear();
          }}
        />
        <ShareText share={share} />
      </label>
      <Badge tone={SHARE_TONES[share.state]}>{share.state}</Badge>
    </div>
  );
}

function Removal({ name, onAnswer }: { name: string; onAnswer: (isYes: boolean) => void }) {
  return (
    <Question verb={`Stop sharing ${name}`} onAnswer={onAnswer}>
      Containers that use it lose access. Nothing is deleted on this host.
    </Question>
  );
}

function ShareText({ share: { name, hostPath, isReadOnly, user, points } }: { share: ListedShare }) {
  return (
    <span>
      <strong>{name}</strong> {name !== hostPath && <code>{hostPath}</code>}
      <small>
        {isReadOnly ? 'read-only' : 'read-write'},{' '}
        {user === undefined ? "mobyvm's own account" : `account ${user}`}
        {points.length > 0 && `, in the VM ${points.join(' and ')}`}
      </small>
    </span>
  );
}

function Failure({ share: { step, reason, remedy } }: { share: ListedShare }) {
  if (reason === undefined) return null;
  const message = step === undefined ? reason : `${step}: ${reason}`;
  return <ProblemNote problem={{ message, remedy: remedy ?? '' }} />;
}

function CheckSteps({ check }: { check: ShareCheck }) {
  return (
    <ol class="steps" aria-label="Result of the check">
      {check.steps.map(({ step, verdict, detail, remedy }) => (
        <li key={step}>
          <span>
            {step}
            {detail !== '' && <small>{detail}</small>}
            {remedy !== '' && <small>{remedy}</small>}
          </span>
          <Badge tone={verdict === 'ok' ? 'good' : verdict === 'failed' ? 'bad' : 'off'}>{verdict}</Badge>
        </li>
      ))}
    </ol>
  );
}
