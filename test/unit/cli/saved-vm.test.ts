import { expect, test } from 'vitest';
import { down } from '../../../src/cli/down.js';
import { status } from '../../../src/cli/status.js';
import { commandContext, NO_DAEMON, printedBy } from '../../support/cli-context.js';

const SAVED = { at: '2026-05-04T03:02:01.000Z', bytes: 432 * 1024 ** 2 };
const TEXT = 'saved since 2026-05-04T03:02:01.000Z (432 MiB)';

/** Commands without a daemon, and with a VM that is saved. */
function withSavedVm(leftovers = 0) {
  const { lines, terminal } = printedBy();
  const daemon = {
    ...NO_DAEMON,
    leftovers: () => Promise.resolve(leftovers),
    savedVm: () => Promise.resolve(SAVED),
  };
  return { lines, context: commandContext({ terminal, daemon }) };
}

test('status without a daemon says that the VM is saved, since when, and what it takes', async () => {
  const { lines, context } = withSavedVm();
  expect(await status(context, { json: false, watch: false, timings: false, verbose: false })).toBe(1);
  expect(lines).toEqual([`mobyvm is not running. Its VM is ${TEXT}; \`mobyvm up\` resumes it.`]);
  lines.length = 0;
  await status(context, { json: true, watch: false, timings: false, verbose: false });
  expect(JSON.parse(lines[0] ?? '')).toEqual({ state: 'saved', leftovers: 0, saved: SAVED });
});

test('status does not call a VM saved while what a daemon set up is still there', async () => {
  const { lines, context } = withSavedVm(2);
  await status(context, { json: true, watch: false, timings: false, verbose: false });
  expect(JSON.parse(lines[0] ?? '')).toEqual({ state: 'not-running', leftovers: 2 });
});

test('down leaves a saved VM alone and says so', async () => {
  const { lines, context } = withSavedVm();
  expect(await down(context, { stop: false })).toBe(0);
  expect(lines).toEqual([`mobyvm is not running. Its VM is ${TEXT}.`]);
});

test('down --stop starts a daemon for a VM that is saved', async () => {
  const { context } = withSavedVm();
  // The daemon of this test cannot be started.
  await expect(down(context, { stop: true })).rejects.toThrow('not expected in this test');
});
