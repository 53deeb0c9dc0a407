import { expect, test } from 'vitest';
import { afterEvent, NOTHING, type Live } from '../../../src/dashboard/live.js';
import type { ServerEvent } from '../../../src/dashboard/messages.js';

type Port = Extract<ServerEvent, { type: 'ports' }>['ports'][number];

const port = (bytesIn: number, bytesOut: number): Port => ({
  ...{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 80, container: 'web', containerPort: 80 },
  ...{ state: 'open', connections: 1, bytesIn, bytesOut },
});

/** What the page shows after events, each with its time in seconds. */
function after(...events: readonly (readonly [number, ServerEvent])[]): Live {
  return events.reduce((live, [at, event]) => afterEvent(live, event, at * 1_000), NOTHING);
}

const hello: ServerEvent = { type: 'hello', version: '1' };
const shares: ServerEvent = { type: 'shares', shares: [] };

test('nothing that an earlier connection said is shown as live on a new one', () => {
  const live = after([0, hello], [1, shares], [1, { type: 'ports', ports: [port(0, 0)] }], [90, hello]);
  expect(live).toMatchObject({ connection: 'live', shares: undefined, ports: undefined });
});

test('a chart has a gap where the daemon was not heard', () => {
  const ports = (bytes: number): ServerEvent => ({ type: 'ports', ports: [port(bytes, 0)] });
  const live = after(
    [0, hello],
    [1, ports(0)],
    [2, ports(50)],
    [90, hello],
    [91, ports(5_000)],
    [92, ports(5_100)],
  );
  const shown = live.traffic.map(({ at, values }) => [at, values[0]]);
  expect(shown).toEqual([
    [1, null],
    [2, 50],
    [90, null],
    [91, null],
    [92, 100],
  ]);
});

test('a port has a rate, which is none for traffic from before it was seen', () => {
  const live = after(
    [0, hello],
    [1, { type: 'ports', ports: [port(1_000, 7_000)] }],
    [2, { type: 'ports', ports: [port(1_500, 7_000)] }],
  );
  expect([...(live.portRates?.byPort.values() ?? [])]).toEqual([{ in: 500, out: 0 }]);
});

test('events that come late and then together do not look like a burst', () => {
  const ports = (bytes: number): ServerEvent => ({ type: 'ports', ports: [port(bytes, 0)] });
  const live = after([0, hello], [1, ports(0)], [4, ports(100)], [4.01, ports(200)], [4.02, ports(300)]);
  const rates = live.traffic.map(({ values }) => values[0] ?? 0);
  expect(Math.max(...rates)).toBeLessThanOrEqual(125);
});

test('the use of the processors is measured between two looks, and unknown before', () => {
  const usage = (processorSeconds: number): ServerEvent => ({ type: 'usage', usage: { processorSeconds } });
  const live = after([0, hello], [1, usage(100)], [3, usage(101)]);
  expect(live.processors.map(({ values }) => values[0])).toEqual([null, 0.5]);
});

test('the output of a container begins again when it is watched again, and ends with it', () => {
  const output = (container: string, text: string, isFirst: boolean): ServerEvent => ({
    ...{ type: 'output', container, omitted: 1, isFirst },
    lines: [{ stream: 'stdout', text }],
  });
  const live = after(
    [0, hello],
    [1, output('web', 'a', true)],
    [2, output('db', 'b', true)],
    [3, output('db', 'c', false)],
    [4, { type: 'output-end', container: 'db' }],
  );
  expect(live.output).toMatchObject({ container: 'db', omitted: 2, hasEnded: true });
  expect(live.output?.kept.lines.map(({ text }) => text)).toEqual(['b', 'c']);
});

test('a log keeps its latest lines, each under the same number', () => {
  const lines = (from: number): string[] => Array.from({ length: 1_500 }, (_, at) => String(from + at));
  const live = after(
    [0, { type: 'console', lines: lines(0), isFirst: true }],
    [1, { type: 'console', lines: lines(1_500), isFirst: false }],
  );
  expect(live.console.lines).toHaveLength(2_000);
  expect(live.console.lines[0]).toBe(String(live.console.dropped));
});

test('a topic that is not available shows nothing from before', () => {
  const error = { code: 'MOBYVM_SHARE', message: 'no', remedy: '', details: {} } as const;
  const live = after([0, hello], [1, shares], [2, { type: 'unavailable', topic: 'shares', error }]);
  expect(live).toMatchObject({ shares: undefined, absent: { shares: { message: 'no' } } });
});
