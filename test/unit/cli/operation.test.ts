import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandContext } from '../../../src/cli/context.js';
import { runOperation } from '../../../src/cli/operation.js';
import { ControlClient } from '../../../src/cli/control-client.js';
import type { OperationEvent } from '../../../src/protocol/messages.js';
import type { ControlledMachine } from '../../../src/daemon/control/controlled-machine.js';
import { commandContext, LINUX_RIGHTS } from '../../support/cli-context.js';
import { controlledMachine, serveControl } from '../../support/control-server.js';

let directory = '';
let path = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mobyvm-operation-'));
  path = join(directory, 'control.sock');
});
afterEach(() => rm(directory, { recursive: true }));

function contextWith(interrupted: AbortSignal): CommandContext {
  return commandContext({ commandLine: 'mobyvm up', interrupted });
}

/** A machine whose operation emits one event and then runs until it is cancelled. */
function machineThatSays(event: OperationEvent, onSaid: () => void) {
  const state = { cancels: 0 };
  let end: () => void = () => undefined;
  const machine = controlledMachine({
    operate: ({ name }, _requester, listener) =>
      new Promise((resolve) => {
        end = () => {
          const error = { code: 'MOBYVM_ABORTED', message: 'interrupted', remedy: '', details: {} } as const;
          listener({ event: 'operation.failed', operation: name, durationMs: 0, error });
          resolve();
        };
        listener(event);
        setImmediate(onSaid);
      }),
    cancel: () => {
      state.cancels += 1;
      end();
      return Promise.resolve(true);
    },
  });
  return { machine, state };
}

describe('Ctrl-C during an operation', () => {
  test.each([
    [
      'cancels it if this command started it',
      { event: 'step.started', step: 'vm', title: 'VM' },
      1,
      'interrupted',
    ],
    [
      'only stops waiting if another command started it',
      { event: 'operation.joined', operation: 'up', requester: { pid: 7, command: 'mobyvm up' } },
      0,
      'No longer waiting',
    ],
  ] as const)('%s', async (_what, event, cancels, message) => {
    const interrupt = new AbortController();
    const { machine, state } = machineThatSays(event, () => setTimeout(() => interrupt.abort(), 50));
    const server = await serveControl(path, { machine });
    try {
      await expect(
        runOperation(contextWith(interrupt.signal), new ControlClient(path, LINUX_RIGHTS), 'up'),
      ).rejects.toMatchObject({
        code: 'MOBYVM_ABORTED',
        message: expect.stringContaining(message) as string,
      });
      expect(state.cancels).toBe(cancels);
    } finally {
      await server.close();
    }
  });
});

test('Ctrl-C before the request is sent starts nothing', async () => {
  const interrupt = new AbortController();
  interrupt.abort();
  await expect(
    runOperation(contextWith(interrupt.signal), new ControlClient(path, LINUX_RIGHTS), 'up'),
  ).rejects.toMatchObject({
    code: 'MOBYVM_ABORTED',
    message: expect.stringContaining('before it began') as string,
  });
});

test('Ctrl-C between the request and its first event cancels the operation', async () => {
  const interrupt = new AbortController();
  const { machine, state } = machineThatSays(
    { event: 'step.started', step: 'vm', title: 'VM' },
    () => undefined,
  );
  const late: ControlledMachine = {
    ...machine,
    operate: (...call) => {
      interrupt.abort();
      return machine.operate(...call);
    },
  };
  const server = await serveControl(path, { machine: late });
  try {
    await expect(
      runOperation(contextWith(interrupt.signal), new ControlClient(path, LINUX_RIGHTS), 'up'),
    ).rejects.toMatchObject({
      code: 'MOBYVM_ABORTED',
      message: expect.stringContaining('interrupted') as string,
    });
    expect(state.cancels).toBe(1);
  } finally {
    await server.close();
  }
});

test('a daemon that dies in the middle of an operation is reported as such', async () => {
  const never = new AbortController().signal;
  const { machine } = machineThatSays({ event: 'step.started', step: 'vm', title: 'VM' }, () => {
    void server.close();
  });
  const server = await serveControl(path, { machine });
  await expect(
    runOperation(contextWith(never), new ControlClient(path, LINUX_RIGHTS), 'up'),
  ).rejects.toMatchObject({
    code: 'MOBYVM_DAEMON_NOT_RUNNING',
    message: expect.stringContaining('in the middle') as string,
  });
});
