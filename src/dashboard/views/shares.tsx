import { useState } from 'preact/hooks';
import { call } from '../api.js';
import type { Live } from '../live.js';
import type { ListedShare, ShareCheck } from '../messages.js';
import { Badge, Card, Empty, ProblemNote, useAction, type Tone } from '../parts.js';

const TONES: Readonly<Record<ListedShare['state'], Tone>> = {
  off: 'off',
  mounting: 'busy',
  healthy: 'good',
  'needs-credentials': 'bad',
  unreachable: 'bad',
  refused: 'bad',
  removed: 'off',
};

export function Shares({ live: { shares, absent } }: { live: Live }) {
  return (
    <>
      <Card title="Shared with the VM">
        {absent.shares !== undefined && <ProblemNote problem={absent.shares} />}
        {shares?.length === 0 && (
          <Empty>Nothing is shared yet. Containers can bind only what is shared.</Empty>
        )}
        <ul class="list">
          {shares?.map((share) => (
            <Share key={share.id} share={share} />
          ))}
        </ul>
      </Card>
      <AddShare />
    </>
  );
}

function Share({ share }: { share: ListedShare }) {
  const { name, user } = share;
  const action = useAction();
  const [check, setCheck] = useState<ShareCheck | undefined>(undefined);
  const [asks, setAsks] = useState(false);
  return (
    <li>
      <ShareState share={share} />
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      <div class="buttons">
        <button
          type="button"
          disabled={action.isBusy}
          onClick={() =>
            void action.run(async () => setCheck(await call<ShareCheck>('/v1/shares/check', { name })))
          }
        >
          Check
        </button>
        {user !== undefined && (
          <button type="button" onClick={() => setAsks(!asks)} aria-expanded={asks}>
            New password
          </button>
        )}
        <button
          type="button"
          disabled={action.isBusy}
          onClick={() => {
            if (
              !confirm(
                `Stop sharing ${name}? Containers that use it lose access. Nothing is deleted on this host.`,
              )
            )
              return;
            void action.run(async () => {
              await call('/v1/shares/remove', { name });
            });
          }}
        >
          Remove
        </button>
      </div>
      {asks && <Password name={name} account={user ?? ''} onDone={() => setAsks(false)} />}
      {check !== undefined && <CheckSteps check={check} />}
    </li>
  );
}

function ShareState({ share }: { share: ListedShare }) {
  const { name, hostPath, state, step, reason, remedy, isReadOnly, user, points } = share;
  return (
    <>
      <div class="row">
        <div class="grow">
          <strong>{name}</strong> {name !== hostPath && <code>{hostPath}</code>}
          <small>
            {isReadOnly ? 'read-only' : 'read-write'},{' '}
            {user === undefined ? "mobyvm's own account" : `account ${user}`}
            {points.length > 0 && `, in the VM ${points.join(' and ')}`}
          </small>
        </div>
        <Badge tone={TONES[state]}>{state}</Badge>
      </div>
      {reason !== undefined && (
        <ProblemNote
          problem={{ message: step === undefined ? reason : `${step}: ${reason}`, remedy: remedy ?? '' }}
        />
      )}
    </>
  );
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

interface PasswordProps {
  readonly name: string;
  readonly account: string;
  readonly onDone: () => void;
}

function Password({ name, account, onDone }: PasswordProps) {
  const action = useAction();
  const [password, setPassword] = useState('');
  return (
    <form
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run(async () => {
          await call('/v1/shares/credentials', { name, password });
          onDone();
        });
      }}
    >
      <label>
        Password of {account}
        <input
          type="password"
          autocomplete="off"
          value={password}
          onInput={({ currentTarget }) => setPassword(currentTarget.value)}
          required
        />
      </label>
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      <button type="submit" class="primary" disabled={action.isBusy}>
        Save password
      </button>
    </form>
  );
}

function AddShare() {
  const action = useAction();
  const add = async (form: HTMLFormElement): Promise<void> => {
    const given = new FormData(form);
    const text = (name: string): string => {
      const value = given.get(name);
      return typeof value === 'string' ? value : '';
    };
    const [path, user, password] = [text('path'), text('user'), text('password')];
    await call('/v1/shares/add', {
      name: text('name'),
      isReadOnly: given.has('isReadOnly'),
      ...(path === '' ? {} : { path }),
      ...(user === '' ? {} : { user, password }),
    });
    form.reset();
  };
  return (
    <Card title="Share a drive or folder">
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          const form = event.currentTarget;
          void action.run(() => add(form));
        }}
      >
        <label>
          Drive letter or full path
          <input name="name" required maxLength={4096} placeholder="C or /home/me/src" />
        </label>
        <label>
          Folder that the letter stands for
          <input name="path" maxLength={4096} placeholder="on Linux only" />
        </label>
        <label>
          Account
          <input name="user" autocomplete="off" maxLength={256} placeholder="mobyvm's own" />
        </label>
        <label>
          Its password
          <input name="password" type="password" autocomplete="off" />
        </label>
        <label class="check">
          <input name="isReadOnly" type="checkbox" /> Read-only
        </label>
        {action.problem !== undefined && <ProblemNote problem={action.problem} />}
        <button type="submit" class="primary" disabled={action.isBusy}>
          {action.isBusy ? 'Sharing…' : 'Share'}
        </button>
      </form>
    </Card>
  );
}
