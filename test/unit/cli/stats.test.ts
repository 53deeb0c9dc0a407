import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../../src/cli/commands.js';
import { waitFor } from '../../../src/core/host/index.js';
import type { ControlledMachine } from '../../../src/daemon/control/controlled-machine.js';
import type { ControlServer } from '../../../src/daemon/control/server.js';
import type { MachineState } from '../../../src/daemon/machine/machine-state.plan.js';
import { commandContext, printedBy } from '../../support/cli-context.js';
import { serveControl } from '../../support/control-server.js';
import { sampleOptions } from '../../support/dashboard-sample.js';

let folder = '';
let server: ControlServer | undefined;
const running: { readonly interrupt: AbortController; readonly done: Promise<unknown> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-stats-'));
});
afterEach(async () => {
  for (const { interrupt } of running) interrupt.abort();
  await Promise.allSettled(running.splice(0).map(({ done }) => done));
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

/** A daemon with a machine in use, whose state a test may change. */
async function serve(world: { state: MachineState } = { state: 'running' }): Promise<void> {
  const { machine, ...options } = sampleOptions();
  if (machine === undefined) throw new TypeError('The sample has a machine.');
  const controlled: ControlledMachine = {
    ...machine,
    info: () => ({ ...machine.info(), state: world.state }),
    usage: () => (world.state === 'running' ? machine.usage() : Promise.resolve({ diskBytes: 1 })),
    knownPorts: () => (world.state === 'running' ? machine.knownPorts() : []),
  };
  server = await serveControl(join(folder, 'control.sock'), { machine: controlled, ...options });
}

/** Runs `mobyvm stats` on a terminal, if it is given a size, or on a pipe. */
function begin(args: readonly string[], size: { columns?: number; rows?: number } = {}) {
  const { lines, terminal } = printedBy();
  const screens: (readonly string[])[] = [];
  const interrupt = new AbortController();
  const base = commandContext();
  const context = commandContext({
    terminal: {
      ...terminal,
      ...(size.columns === undefined ? {} : { tableColumns: size.columns, tableRows: size.rows }),
      redraw: (shown) => void screens.push(shown),
    },
    paths: { ...base.paths, controlSocket: join(folder, 'control.sock') },
    interrupted: interrupt.signal,
  });
  const done = runCommand(['stats', ...args], context);
  running.push({ interrupt, done });
  return { lines, screens, interrupt, done };
}

async function until(title: string, isTrue: () => boolean): Promise<void> {
  const check = (): Promise<boolean> => Promise.resolve(isTrue());
  const limits = { timeoutSeconds: 60, everyMs: 20, hint: 'See the test.' };
  await waitFor({ title, check, ...limits }, new AbortController().signal);
}

const HAS_RATES = /^running +\d+\.\d% of 2 CPUs +1\.\d GiB \/ 2\.0 GiB +13\.7 GiB \/ 59\.1 GiB +6\.0 GiB$/;

describe('a single reading', { timeout: 90_000 }, () => {
  test.each([[[]], [['--no-stream']]])('is printed with rates to a pipe (%j)', async (args) => {
    await serve();
    const { done, lines, screens } = begin(args);
    expect(await done).toBe(0);
    expect(lines[1]).toMatch(HAS_RATES);
    expect(lines[4]).toMatch(/^\d+\.\d\/s +\d+\.\d\/s /);
    expect(lines[7]).toMatch(/^0\.0\.0\.0:8080\/tcp +web:80 +12 .*\/s .*\/s$/);
    expect(screens).toEqual([]);
  });

  test('is what --no-stream prints on a terminal, cut to its width', async () => {
    await serve();
    const { done, lines, screens } = begin(['--no-stream'], { columns: 50, rows: 24 });
    expect(await done).toBe(0);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(lines[1]).toContain('…');
    expect(lines[0]).toMatch(/^VM /);
    expect(screens).toEqual([]);
  });

  test('is one JSON object', async () => {
    await serve();
    const { done, lines } = begin(['--json', '--no-stream']);
    expect(await done).toBe(0);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      time: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
      state: 'running',
      cpu: { used: expect.any(Number) as unknown, count: 2 },
      memory: { limitBytes: 2 ** 31 },
      dns: { queriesPerSecond: expect.any(Number) as unknown },
      ports: [{ bytesInPerSecond: expect.any(Number) as unknown }, {}, { state: 'failed' }],
    });
  });

  test.each<[MachineState, string]>([
    ['stopped', 'The VM is off (the machine is stopped).'],
    ['failed', 'The VM is off (the machine is failed).'],
  ])('fails with a remedy while the machine is %s', async (state, message) => {
    await serve({ state });
    const { done } = begin(['--no-stream']);
    await expect(done).rejects.toMatchObject({
      ...{ code: 'MOBYVM_VM_STATE', message, remedy: 'Start it with `mobyvm up`.' },
    });
  });

  test('that is interrupted prints nothing', async () => {
    await serve();
    const { done, interrupt, lines } = begin(['--no-stream', '--interval', '3600']);
    interrupt.abort();
    await expect(done).rejects.toThrow();
    expect(lines).toEqual([]);
  });
});

describe('a stream', { timeout: 90_000 }, () => {
  test('is redrawn on a terminal until Ctrl-C', async () => {
    await serve();
    const { done, lines, screens, interrupt } = begin([], { columns: 80, rows: 24 });
    await until('rates', () => HAS_RATES.test(screens.at(-1)?.[1] ?? ''));
    expect(screens.length).toBeGreaterThan(1);
    interrupt.abort();
    expect(await done).toBe(0);
    expect(lines).toEqual([]);
  });

  test('has a JSON object with rates on each line, also on a pipe', async () => {
    await serve();
    const { done, lines, interrupt } = begin(['--json']);
    await until('two lines', () => lines.length >= 2);
    interrupt.abort();
    expect(await done).toBe(0);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ dns: { queriesPerSecond: expect.any(Number) as unknown } });
  });

  test('shows a VM that is off, and continues when it starts', async () => {
    const world: { state: MachineState } = { state: 'stopped' };
    await serve(world);
    const { screens } = begin([], { columns: 80, rows: 24 });
    await until('off', () => /^stopped +- +- +13\.7/.test(screens.at(-1)?.[1] ?? ''));
    world.state = 'running';
    await until('on', () => HAS_RATES.test(screens.at(-1)?.[1] ?? ''));
  });

  test('continues with the next daemon, without rates between the two', async () => {
    await serve();
    const { lines } = begin(['--json']);
    await until('a reading', () => lines.length > 0);
    await server?.close();
    await until('the loss', () => lines.at(-1)?.includes('"not-running"') === true);
    const losses = lines.length;
    await serve();
    await until('a reading of the next', () => lines.length > losses);
    expect(JSON.parse(lines[losses] ?? '')).toMatchObject({ state: 'running' });
    expect(lines.filter((line) => line.includes('not-running'))).toHaveLength(1);
  });
});

describe('without a daemon', () => {
  test.each([[[]], [['--json']], [['--no-stream']]])('%j fails with a remedy', async (args) => {
    const { done } = begin(args, { columns: 80, rows: 24 });
    await expect(done).rejects.toMatchObject({
      ...{ code: 'MOBYVM_DAEMON_NOT_RUNNING', remedy: 'Start it with `mobyvm up`.' },
    });
  });
});

test.each(['0', '0.5', '-1', 'soon', '3601'])('an interval of %s is refused', async (interval) => {
  await expect(begin(['--interval', interval]).done).rejects.toMatchObject({
    ...{ code: 'MOBYVM_USAGE', message: '--interval must be a number of seconds from 1 to 3600.' },
  });
});
