import { durationText, timeText } from './format.js';
import type { Live } from './live.js';
import type { MachineStatus } from './messages.js';
import { Operations } from './operations.js';
import { Badge, ProblemNote, type Tone } from './parts.js';
import { currentLive, setLive, useNow } from './store.js';

const TONES: Readonly<Record<MachineStatus['state'], Tone>> = {
  absent: 'off',
  stopped: 'off',
  saved: 'off',
  starting: 'busy',
  running: 'good',
  degraded: 'bad',
  stopping: 'busy',
  restarting: 'busy',
  failed: 'bad',
};

export function Header({ live: { status, version, connection } }: { live: Live }) {
  const isLive = connection === 'live';
  return (
    <header class="top">
      <span class="brand">
        <img src="/icon.svg" alt="" width="24" height="24" /> mobyvm
        {version !== undefined && <small>{version}</small>}
      </span>
      <span class="state">
        <span aria-live="polite">
          {status !== undefined && isLive ? (
            <Badge tone={TONES[status.state]}>{status.state}</Badge>
          ) : (
            <Badge tone="off">{connection === 'connecting' || isLive ? 'connecting' : 'not connected'}</Badge>
          )}
        </span>
        {status !== undefined && isLive && <Since since={status.since} />}
      </span>
      {status !== undefined && isLive && <Operations status={status} />}
    </header>
  );
}

function Since({ since }: { since: string }) {
  const now = useNow();
  return (
    <small>
      for <time dateTime={since}>{durationText(now - Date.parse(since))}</time>
    </small>
  );
}

export function ConnectionNote({ live: { connection, heardMs } }: { live: Live }) {
  if (connection === 'live' || connection === 'connecting') return null;
  return (
    <div class="note bad banner" role="alert">
      {connection === 'locked' ? (
        <>
          This page has no valid token. Run <code>mobyvm dashboard</code> and open the address that it prints.
        </>
      ) : (
        <>
          The daemon does not answer; the page connects again by itself. <code>mobyvm up</code> starts it.
        </>
      )}
      {heardMs !== undefined && <Age heardMs={heardMs} />}
    </div>
  );
}

/** Not announced each second: the alert is enough. */
function Age({ heardMs }: { heardMs: number }) {
  const now = useNow();
  return (
    <>
      {' '}
      What is shown is as of {timeText(heardMs)}
      <span aria-hidden="true">, {durationText(now - heardMs)} ago</span>.
    </>
  );
}

export function Notice({ live: { notice, status } }: { live: Live }) {
  if (notice === undefined || status?.error?.message === notice.text) return null;
  return (
    <div class="dismissable">
      <ProblemNote problem={{ message: notice.text, remedy: notice.remedy }} />
      <button type="button" onClick={() => setLive({ ...currentLive(), notice: undefined })}>
        Dismiss
      </button>
    </div>
  );
}
