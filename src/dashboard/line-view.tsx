import type { ComponentChildren, RefObject } from 'preact';
import { memo } from 'preact/compat';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Card, Empty } from './parts.js';

export interface Line {
  /** The same as long as the line is kept. */
  readonly key: number;
  readonly text: string;
  readonly tone: string;
}

interface LineViewProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly empty: string;
  /** Beside the search. */
  readonly extra?: ComponentChildren;
  /** Beside the number of lines. */
  readonly note?: string;
}

/** Follows new lines as long as the end is in view. `/` leads to the search. */
export function LineView({ title, lines, empty, extra, note }: LineViewProps) {
  const [wanted, setWanted] = useState('');
  const [follows, setFollows] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const shown =
    wanted === '' ? lines : lines.filter(({ text }) => text.toLowerCase().includes(wanted.toLowerCase()));
  const toEnd = (): void => {
    if (box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(() => {
    if (follows) toEnd();
  });
  return (
    <Card
      title={title}
      extra={
        <div class="buttons">
          {extra}
          <Search title={title} wanted={wanted} onWanted={setWanted} />
        </div>
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
        {lines.length > 0 && shown.length === 0 && <Empty>No line contains “{wanted}”.</Empty>}
        {shown.map(({ key, text, tone }) => (
          <Row key={key} text={text} tone={tone} wanted={wanted} />
        ))}
      </div>
      <Foot
        count={shown.length}
        note={note}
        follows={follows}
        onFollow={() => {
          setFollows(true);
          toEnd();
        }}
      />
    </Card>
  );
}

interface SearchProps {
  readonly title: string;
  readonly wanted: string;
  readonly onWanted: (text: string) => void;
}

function Search({ title, wanted, onWanted }: SearchProps) {
  const search = useRef<HTMLInputElement>(null);
  useFocusOnSlash(search);
  return (
    <label class="search">
      <span class="hidden">Search in {title}</span>
      <input
        ref={search}
        type="search"
        placeholder="Search ( / )"
        value={wanted}
        onInput={({ currentTarget }) => onWanted(currentTarget.value)}
      />
    </label>
  );
}

interface FootProps {
  readonly count: number;
  readonly note: string | undefined;
  readonly follows: boolean;
  readonly onFollow: () => void;
}

function Foot({ count, note, follows, onFollow }: FootProps) {
  return (
    <div class="line-foot">
      <span class="muted">
        {count} {count === 1 ? 'line' : 'lines'}
        {note !== undefined && `, ${note}`}
      </span>
      {follows ? (
        <span class="muted">follows new lines</span>
      ) : (
        <button type="button" onClick={onFollow}>
          Follow new lines
        </button>
      )}
    </div>
  );
}

function useFocusOnSlash(search: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const focusSearch = (event: KeyboardEvent): void => {
      if (event.key !== '/' || isTyping(event.target)) return;
      event.preventDefault();
      search.current?.focus();
    };
    addEventListener('keydown', focusSearch);
    return () => removeEventListener('keydown', focusSearch);
  }, []);
}

interface RowProps {
  readonly text: string;
  readonly tone: string;
  readonly wanted: string;
}

const Row = memo(({ text, tone, wanted }: RowProps) => (
  <div class={`line ${tone}`}>{wanted === '' ? text : <Marked text={text} wanted={wanted} />}</div>
));

function Marked({ text, wanted }: { text: string; wanted: string }) {
  const at = text.toLowerCase().indexOf(wanted.toLowerCase());
  if (at < 0) return <>{text}</>;
  const end = at + wanted.length;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, end)}</mark>
      {text.slice(end)}
    </>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(input|textarea|select)$/i.test(target.tagName);
}
