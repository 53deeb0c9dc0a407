import { expect, test, vi } from 'vitest';
import { MobyvmError } from '../../../src/core/values/index.js';
import { OutputTopic, type FollowedLine } from '../../../src/daemon/control/output-topic.js';

function watched(container = 'web') {
  const events: { type: string; lines?: { text: string }[]; [key: string]: unknown }[] = [];
  let print: (line: FollowedLine) => void = () => undefined;
  let end: (error?: Error) => void = () => undefined;
  let signal = new AbortController().signal;
  const topic = new OutputTopic((_container, onLine, gone) => {
    [print, signal] = [onLine, gone];
    return new Promise((resolve, reject) => {
      end = (error) => (error === undefined ? resolve() : reject(error));
    });
  });
  const unwatch = topic.watch((text) => events.push(JSON.parse(text) as (typeof events)[number]), container);
  return {
    events,
    print: (text: string, at?: string) => print({ at, stream: 'stdout', text }),
    end: (error?: Error) => end(error),
    unwatch,
    isOver: () => signal.aborted,
  };
}

test('says at once that a container has printed nothing, then sends its lines as a terminal would show them', async () => {
  const { events, print, unwatch } = watched();
  await vi.waitFor(() => expect(events).toHaveLength(1));
  expect(events[0]).toEqual({ type: 'output', container: 'web', lines: [], omitted: 0, isFirst: true });
  print('\u001b[32mok\u001b[0m\r', '2026-01-01T00:00:00Z');
  print('10 %\r100 %');
  await vi.waitFor(() => expect(events).toHaveLength(2));
  expect(events[1]).toMatchObject({
    isFirst: false,
    lines: [
      { at: '2026-01-01T00:00:00Z', stream: 'stdout', text: 'ok' },
      { stream: 'stdout', text: '100 %' },
    ],
  });
  unwatch();
});

test('leaves out what is too much to read, and counts it', async () => {
  const { events, print, unwatch } = watched();
  for (let line = 0; line < 5_000; line += 1) print(String(line));
  await vi.waitFor(() => expect(events).toHaveLength(1));
  expect(events[0]?.lines).toHaveLength(1_000);
  expect(events[0]?.lines?.at(-1)?.text).toBe('4999');
  expect(events[0]?.['omitted']).toBe(4_000);
  unwatch();
});

test('sends the last lines before the end of the container, or before what went wrong', async () => {
  const ended = watched();
  ended.print('bye');
  ended.end();
  await vi.waitFor(() => expect(ended.events.at(-1)).toEqual({ type: 'output-end', container: 'web' }));
  expect(ended.events[0]?.lines?.[0]?.text).toBe('bye');
  const lost = watched();
  lost.end(new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', 'no answer', ''));
  await vi.waitFor(() =>
    expect(lost.events.at(-1)).toMatchObject({
      type: 'unavailable',
      topic: 'output',
      error: { message: 'no answer' },
    }),
  );
});

test('ends with the client that watches, silently', async () => {
  const { events, end, unwatch, isOver } = watched();
  unwatch();
  expect(isOver()).toBe(true);
  end();
  await Promise.resolve();
  expect(events).toEqual([]);
});

test('follows nothing for a client that names no container', () => {
  const topic = new OutputTopic(() => {
    throw new TypeError('not asked here');
  });
  topic.watch(() => undefined)();
});
