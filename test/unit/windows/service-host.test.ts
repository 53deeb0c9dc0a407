import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { CONTROL, SERVICE_STATE } from '../../../src/windows/service/service-codes.js';
import { ServiceHost, type ServiceLife } from '../../../src/windows/service/service-host.js';
import type { ServiceEvents, ServiceSystem } from '../../../src/windows/service/service-system.js';

type Status = Parameters<ServiceSystem['setStatus']>[0];

/** A service control manager that starts the service at once. */
class Manager implements ServiceSystem {
  readonly statuses: Status[] = [];
  events: ServiceEvents | undefined;
  endedWith: number | undefined;

  connect(_name: string, events: ServiceEvents): void {
    this.events = events;
  }

  setStatus(status: Status): void {
    this.statuses.push(status);
  }

  terminate(code: number): void {
    this.endedWith = code;
  }

  unref(): void {
    // Nothing of it keeps a process alive.
  }

  get states(): number[] {
    return this.statuses.map(({ state }) => state);
  }

  control(control: number, event = 0): number | undefined {
    return this.events?.onControl(control, event);
  }
}

async function started(tickMs?: number): Promise<{
  readonly manager: Manager;
  readonly life: ServiceLife;
  readonly process: EventEmitter;
}> {
  const manager = new Manager();
  const process = new EventEmitter();
  const host = new ServiceHost({ system: manager, process, ...(tickMs === undefined ? {} : { tickMs }) });
  const starting = host.start('mobyvm');
  manager.events?.onStart(['--no-start']);
  return { manager, life: await starting, process };
}

test('a service is starting until it says that it is ready, and then takes every control', async () => {
  const { manager, life } = await started();
  expect(life.args).toEqual(['--no-start']);
  expect(manager.states).toEqual([SERVICE_STATE.startPending]);
  expect(manager.statuses[0]).toMatchObject({ accepted: 0, checkPoint: 1, waitHintMs: 30_000 });
  life.ready();
  expect(manager.states.slice(1)).toEqual([SERVICE_STATE.running]);
  // Stop, shutdown, power, session and preshutdown.
  expect(manager.statuses[1]?.accepted).toBe(0x1c5);
});

test.each([
  ['stop', CONTROL.stop],
  ['the shutdown of Windows', CONTROL.shutdown],
  ['its announcement', CONTROL.preshutdown],
])('%s requests a stop after the control was answered', async (_name, control) => {
  const { manager, life } = await started();
  life.ready();
  expect(manager.control(control)).toBe(0);
  expect(manager.states.at(-1)).toBe(SERVICE_STATE.stopPending);
  expect(life.stopRequested.aborted).toBe(false);
  await new Promise(setImmediate);
  expect(life.stopRequested.aborted).toBe(true);
  // A second one, as when Windows shuts down during a stop, changes nothing.
  expect(manager.control(CONTROL.shutdown)).toBe(0);
  expect(manager.states.filter((state) => state === SERVICE_STATE.stopPending)).toHaveLength(1);
});

test('a long stop reports progress until the process ends', async () => {
  const { manager, life, process } = await started(5);
  life.ready();
  manager.control(CONTROL.stop);
  while (manager.statuses.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
  const points = manager.statuses.slice(2).map(({ checkPoint }) => checkPoint);
  expect(points).toEqual(points.map((_, index) => index + 1));
  process.emit('exit', 0);
  expect(manager.statuses.at(-1)).toMatchObject({ state: SERVICE_STATE.stopped, exitCode: 0, checkPoint: 0 });
});

test('a process that ends with an exit code stops with it, so that Windows starts it again', async () => {
  const { manager, process } = await started();
  process.emit('exit', 3);
  expect(manager.statuses.at(-1)).toMatchObject({
    state: SERVICE_STATE.stopped,
    exitCode: 1066,
    specificExitCode: 3,
  });
  expect(manager.endedWith).toBe(3);
});

test('Windows learns last of all that it has stopped', async () => {
  const { manager, life, process } = await started();
  life.ready();
  let statesBefore: readonly number[] = [];
  process.on('exit', () => (statesBefore = manager.states));
  life.ending();
  process.emit('exit', 0);
  expect(statesBefore).not.toContain(SERVICE_STATE.stopped);
  expect(manager.states.filter((state) => state === SERVICE_STATE.stopped)).toHaveLength(1);
});

test('waking up and logging on are passed on, going to sleep is not', async () => {
  const { manager, life } = await started();
  life.ready();
  let resumes = 0;
  let sessions = 0;
  const unsubscribe = life.onResume(() => (resumes += 1));
  life.onSessionChange(() => (sessions += 1));
  const [PBT_APMSUSPEND, PBT_APMRESUMEAUTOMATIC] = [4, 0x12];
  expect(manager.control(CONTROL.powerEvent, PBT_APMSUSPEND)).toBe(0);
  expect(manager.control(CONTROL.powerEvent, PBT_APMRESUMEAUTOMATIC)).toBe(0);
  expect(manager.control(CONTROL.sessionChange, 5)).toBe(0);
  await new Promise(setImmediate);
  expect([resumes, sessions]).toEqual([1, 1]);
  unsubscribe();
  manager.control(CONTROL.powerEvent, PBT_APMRESUMEAUTOMATIC);
  await new Promise(setImmediate);
  expect(resumes).toBe(1);
});

test('a control that it does not know is refused', async () => {
  const { manager, life } = await started();
  life.ready();
  expect(manager.control(CONTROL.interrogate)).toBe(0);
  expect(manager.control(128)).toBe(120);
});

test('a process that no service control manager has started gets its error', async () => {
  const manager = new Manager();
  const host = new ServiceHost({ system: manager, process: new EventEmitter() });
  const starting = host.start('mobyvm');
  manager.events?.onUnconnected(new TypeError('1063'));
  await expect(starting).rejects.toThrow('1063');
  expect(manager.statuses).toEqual([]);
});
