import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ConnectionNote, Header, Notice } from './header.js';
import { timeText } from './format.js';
import type { Live } from './live.js';
import { useLive } from './store.js';
import { Containers } from './views/containers.js';
import { Doctor } from './views/doctor.js';
import { Items } from './views/items.js';
import { Console, Log } from './views/lines.js';
import { Network } from './views/network.js';
import { Overview } from './views/overview.js';
import { Settings } from './views/settings.js';
import { Shares } from './views/shares.js';

interface View {
  readonly name: string;
  readonly title: string;
  /** @param rest what follows the view's name in the address */
  readonly render: (live: Live, rest: string | undefined) => ComponentChildren;
}

const FIRST: View = { name: '', title: 'Overview', render: (live) => <Overview live={live} /> };
const VIEWS: readonly View[] = [
  FIRST,
  {
    name: 'containers',
    title: 'Containers',
    render: (live, rest) => <Containers live={live} selected={rest} />,
  },
  { name: 'shares', title: 'Shares', render: (live) => <Shares live={live} /> },
  { name: 'network', title: 'Network', render: (live) => <Network live={live} /> },
  { name: 'items', title: 'Items', render: () => <Items /> },
  { name: 'console', title: 'Console', render: (live) => <Console live={live} /> },
  { name: 'log', title: 'Log', render: (live) => <Log live={live} /> },
  { name: 'settings', title: 'Settings', render: (live) => <Settings live={live} /> },
  { name: 'doctor', title: 'Doctor', render: () => <Doctor /> },
];

/** `#/containers/web` */
function usePlace(): { readonly view: View; readonly rest: string | undefined } {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  const [, name = '', rest] = hash.split('/');
  return { view: VIEWS.find((each) => each.name === name) ?? FIRST, rest: decoded(rest) };
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export function App() {
  const live = useLive();
  const { view, rest } = usePlace();
  const { connection, heardMs, status } = live;
  const isLive = connection === 'live';
  const state = isLive ? (status?.state ?? 'connecting') : 'not connected';
  useEffect(() => {
    document.title = `${state} · ${view.title} · mobyvm`;
  }, [view, state]);
  const isStale = !isLive && heardMs !== undefined;
  return (
    <>
      <a class="skip" href="#content" onClick={skipToContent}>
        Skip to content
      </a>
      <div class="head">
        <Header live={live} />
        <ConnectionNote live={live} />
      </div>
      <div class="layout">
        <nav aria-label="Views">
          {VIEWS.map((each) => (
            <a key={each.name} href={`#/${each.name}`} aria-current={each === view ? 'page' : undefined}>
              {each.title}
            </a>
          ))}
        </nav>
        <main id="content" tabIndex={-1} class={isStale ? 'stale' : ''} inert={isStale}>
          <h1>
            {view.title}
            {isStale && <small>as of {timeText(heardMs)}</small>}
          </h1>
          <Notice live={live} />
          {connection === 'locked' && heardMs === undefined ? null : view.render(live, rest)}
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
