import { expect, test } from 'vitest';
import {
  neededServices,
  type HostServicesOfWindows,
} from '../../../../src/daemon/windows/needed-services.js';

type Found = ReturnType<HostServicesOfWindows['find']>;

function context() {
  return {
    signal: new AbortController().signal,
    progress: () => undefined,
    onFailure: () => undefined,
  };
}

function services(states: Record<string, Found>, onLook: () => void = () => undefined) {
  const started: string[] = [];
  const known: HostServicesOfWindows = {
    find: (name) => {
      onLook();
      return states[name];
    },
    start: (name) => {
      started.push(name);
      states[name] = { state: 'startPending', isDisabled: false };
      return true;
    },
  };
  return { started, resource: neededServices(() => Promise.resolve(known)) };
}

test('services that run need nothing', async () => {
  const running: Found = { state: 'running', isDisabled: false };
  const { resource, started } = services({ Winmgmt: running, LanmanServer: running, vmms: running });
  expect(await resource.plan(context())).toEqual({ kind: 'none' });
  expect(await resource.ensure(context())).toBe('none');
  expect(started).toEqual([]);
});

test('one that has stopped is started, one that is starting is waited for', async () => {
  let looks = 0;
  const states: Record<string, Found> = {
    Winmgmt: { state: 'stopped', isDisabled: false },
    vmms: { state: 'startPending', isDisabled: false },
  };
  const { resource, started } = services(states, () => {
    looks += 1;
    if (looks < 20) return;
    for (const name of Object.keys(states)) states[name] = { state: 'running', isDisabled: false };
  });
  expect(await resource.plan(context())).toEqual({ kind: 'update', fields: ['Winmgmt', 'vmms'] });
  expect(await resource.ensure(context())).toBe('update');
  expect(started).toEqual(['Winmgmt']);
});

test('those that are missing or disabled are left alone', async () => {
  const { resource, started } = services({ LanmanServer: { state: 'stopped', isDisabled: true } });
  expect(await resource.ensure(context())).toBe('none');
  expect(started).toEqual([]);
});
