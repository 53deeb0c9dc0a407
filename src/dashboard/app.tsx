import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call } from './api.js';
import { timeText } from './format.js';
import type { Live } from './live.js';
import type { MachineStatus } from './messages.js';
import { Badge, ProblemNote, useAction, type Tone } from './parts.js';
import { currentLive, setLive, useLive } from './store.js';
import { Containers } from './views/containers.js';
import { Doctor } from './views/doctor.js';
import { Items } from './views/items.js';
import { Console, Log } from './views/lines.js';
import { Network } from './views/network.js';
import { Overview } from './views/overview.js';
import { Settings } from './views/settings.js';
import { Shares } from './views/shares.js';

interface View {
  readonly path: string;
  readonly title: string;
  readonly render: (live: Live) => ComponentChildren;
}

const FIRST: View = { path: '#/', title: 'Overview', render: (live) => <Overview live={live} /> };
const VIEWS: readonly View[] = [
  FIRST,
  { path: '#/containers', title: 'Containers', render: (live) => <Containers live={live} /> },
  { path: '#/shares', title: 'Shares', render: (live) => <Shares live={live} /> },
  { path: '#/network', title: 'Network', render: (live) => <Network live={live} /> },
  { path: '#/items', title: 'Items', render: () => <Items /> },
  { path: '#/console', title: 'Console', render: (live) => <Console live={live} /> },
  { path: '#/log', title: 'Log', render: (live) => <Log live={live} /> },
  { path: '#/settings', title: 'Settings', render: () => <Settings /> },
  { path: '#/doctor', title: 'Doctor', render: () => <Doctor /> },
];

function usePath(): string {
  const [path, setPath] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => setPath(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return path;
}

export function App() {
  const live = useLive();
  const path = usePath();
  const view = VIEWS.find((each) => each.path === path) ?? FIRST;
  useEffect(() => {
    document.title = `${view.title} · mobyvm`;
  }, [view]);
  const isLive = live.connection === 'live';
  return (
    <>
      <a class="skip" href="#content" onClick={skipToContent}>
        Skip to content
      </a>
      <Header live={live} />
      <ConnectionNote live={live} />
      <div class="layout">
        <nav aria-label="Views">
          {VIEWS.map(({ path: to, title }) => (
            <a key={to} href={to} aria-current={to === view.path ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <main
          id="content"
          tabIndex={-1}
          class={isLive ? '' : 'stale'}
          inert={!isLive && live.heardMs !== undefined}
        >
          <h1>{view.title}</h1>
          <Notice live={live} />
          {live.connection === 'locked' && live.heardMs === undefined ? null : view.render(live)}
        </main>
      </div>
    </>
  );
}

/** A link would change the view. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

const TONES: Readonly<Record<MachineStatus['state'], Tone>> = {
  stopped: 'off',
  saved: 'off',
  starting: 'busy',
  running: 'good',
  degraded: 'bad',
  stopping: 'busy',
  restarting: 'busy',
  failed: 'bad',
};

function Header({ live: { status, version, connection } }: { live: Live }) {
  const isLive = connection === 'live';
  return (
    <header class="top">
      <span class="brand">
        <img src="/icon.svg" alt="" width="24" height="24" /> mobyvm
        {version !== undefined && <small>{version}</small>}
      </span>
      <span aria-live="polite">
        {status !== undefined && isLive ? (
          <Badge tone={TONES[status.state]}>{status.state}</Badge>
        ) : (
          <Badge tone="off">{connection === 'connecting' || isLive ? 'connecting' : 'not connected'}</Badge>
        )}
      </span>
      {status !== undefined && isLive && <Operations status={status} />}
    </header>
  );
}

function Operations({ status }: { status: MachineStatus }) {
  const { state, daemon } = status;
  const action = useAction();
  const operate = (name: string): void =>
    void action.run(async () => {
      setLive({ ...currentLive(), notice: undefined });
      const requester = { pid: daemon.pid, command: 'the dashboard' };
      await call(`/v1/operations/${name}`, { id: crypto.randomUUID(), requester });
    });
  const isDown = state === 'stopped' || state === 'saved' || state === 'failed';
  const isBusy = state === 'starting' || state === 'restarting' || state === 'stopping';
  return (
    <div class="buttons end">
      {action.problem !== undefined && <span class="problem">{action.problem.message}</span>}
      {isDown && (
        <button type="button" class="primary" onClick={() => operate('up')}>
          Start
        </button>
      )}
      {!isDown && !isBusy && (
        <>
          <button type="button" onClick={() => operate('restart')}>
            Restart
          </button>
          <button type="button" onClick={() => operate('down')}>
            Stop
          </button>
        </>
      )}
      {isBusy && state !== 'stopping' && (
        <button type="button" onClick={() => operate('down')}>
          Cancel
        </button>
      )}
    </div>
  );
}

function ConnectionNote({ live: { connection, heardMs } }: { live: Live }) {
  if (connection === 'live') return null;
  if (connection === 'locked')
    return (
      <div class="note bad banner" role="alert">
        This page has no valid token. Run <code>mobyvm dashboard</code> and open the address that it prints.
      </div>
    );
  if (connection === 'connecting') return null;
  return (
    <div class="note bad banner" role="alert">
      The daemon does not answer; the page connects again by itself. <code>mobyvm up</code> starts it.
      {heardMs !== undefined && ` What is shown is as of ${timeText(heardMs)}.`}
    </div>
  );
}

function Notice({ live }: { live: Live }) {
  const { notice } = live;
  if (notice === undefined || live.status?.error?.message === notice.text) return null;
  return (
    <div class="dismissable">
      <ProblemNote problem={{ message: notice.text, remedy: notice.remedy }} />
      <button type="button" onClick={() => setLive({ ...currentLive(), notice: undefined })}>
        Dismiss
      </button>
    </div>
  );
}
