import { useEffect, useState } from 'preact/hooks';
import { NOTHING, type Live } from './live.js';

/** The one place that holds what the page shows. */
let live = NOTHING;
const listeners = new Set<() => void>();

export function currentLive(): Live {
  return live;
}

export function setLive(next: Live): void {
  live = next;
  for (const listener of [...listeners]) listener();
}

/** Renders a component again whenever something changes. */
export function useLive(): Live {
  const [shown, show] = useState(live);
  useEffect(() => {
    const listener = (): void => show(live);
    listener();
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return shown;
}

/** The time in milliseconds since 1970, again each second: what is shown ages although nothing comes. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
