import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { connection } from '../connection.js';
import { timeText } from '../format.js';
import type { Live } from '../live.js';
import type { LogRecord } from '../messages.js';
import { Card, Empty } from '../parts.js';

interface Line {
  readonly text: string;
  readonly tone: string;
}

export function Console({ live }: { live: Live }) {
  useEffect(() => {
    connection.watch(['console']);
    return () => connection.watch([]);
  }, []);
  return (
    <Lines
      title="Console of the VM"
      lines={live.console.map((text) => ({ text, tone: '' }))}
      empty="The VM has printed nothing."
    />
  );
}

export function Log({ live }: { live: Live }) {
  useEffect(() => {
    connection.watch(['log']);
    return () => connection.watch([]);
  }, []);
  return <Lines title="Log of the daemon" lines={live.log.map(lineOf)} empty="The log is empty." />;
}

function lineOf({ time, level, event, fields }: LogRecord): Line {
  const details = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  return { text: [timeText(time), level.padEnd(5), event, ...details].join(' '), tone: level };
}

interface LinesProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly empty: string;
}

/** Follows new lines as long as the end is in view. */
function Lines({ title, lines, empty }: LinesProps) {
  const [wanted, setWanted] = useState('');
  const [follows, setFollows] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const shown =
    wanted === '' ? lines : lines.filter(({ text }) => text.toLowerCase().includes(wanted.toLowerCase()));
  useLayoutEffect(() => {
    if (follows && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  });
  return (
    <Card
      title={title}
      extra={
        <label class="search">
          <span class="hidden">Search in {title}</span>
          <input
            type="search"
            placeholder="Search"
            value={wanted}
            onInput={({ currentTarget }) => setWanted(currentTarget.value)}
          />
        </label>
      }
    >
      <div
        ref={box}
        class="lines"
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={title}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          setFollows(scrollHeight - scrollTop - clientHeight < 24)
        }
      >
        {lines.length === 0 && <Empty>{empty}</Empty>}
        {lines.length > 0 && shown.length === 0 && <Empty>No line has “{wanted}”.</Empty>}
        {shown.map(({ text, tone }, at) => (
          <div key={at} class={`line ${tone}`}>
            {text}
          </div>
        ))}
      </div>
      <p class="muted">
        {shown.length} {shown.length === 1 ? 'line' : 'lines'}
        {follows ? '' : ' — scroll to the end to follow'}
      </p>
    </Card>
  );
}
