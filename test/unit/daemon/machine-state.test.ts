import { describe, expect, test } from 'vitest';
import { silentLogger, type LogEvent, type LogFields } from '../../../src/core/host/index.js';
import { MachineCondition } from '../../../src/daemon/machine/condition.js';
import {
  MACHINE_TRANSITIONS,
  nextMachineState,
  shownState,
  type MachineEvent,
  type MachineState,
} from '../../../src/daemon/machine/machine-state.plan.js';

function walk(...events: readonly MachineEvent[]): MachineState {
  return events.reduce(step, 'stopped');
}

function step(state: MachineState, event: MachineEvent): MachineState {
  const next = nextMachineState(state, event);
  if (next === undefined) throw new TypeError(`${event} while ${state}`);
  return next;
}

describe('the state of the machine', () => {
  test('a start that succeeds ends in running', () => {
    expect(walk('up.begun', 'operation.succeeded')).toBe('running');
  });

  test('a start that fails ends in failed, and another start can follow', () => {
    expect(walk('up.begun', 'operation.failed')).toBe('failed');
    expect(walk('up.begun', 'operation.failed', 'up.begun', 'operation.succeeded')).toBe('running');
  });

  test('a cancelled start ends in stopped: everything was undone', () => {
    expect(walk('up.begun', 'operation.cancelled')).toBe('stopped');
  });

  test('an engine that stops answering degrades a running machine until it answers again', () => {
    expect(walk('up.begun', 'operation.succeeded', 'health.lost')).toBe('degraded');
    expect(walk('up.begun', 'operation.succeeded', 'health.lost', 'health.restored')).toBe('running');
  });

  test('a running machine fails when its VM dies', () => {
    expect(walk('up.begun', 'operation.succeeded', 'vm.exited')).toBe('failed');
  });

  test('a VM that exits while the machine is being stopped is not a failure', () => {
    expect(walk('up.begun', 'operation.succeeded', 'down.begun', 'vm.exited')).toBe('stopping');
  });

  test('an up of a running machine keeps its state', () => {
    const running = ['up.begun', 'operation.succeeded'] as const;
    expect(walk(...running, 'up.begun')).toBe('running');
    expect(walk(...running, 'health.lost', 'up.begun')).toBe('degraded');
    expect(walk(...running, 'health.lost', 'up.begun', 'operation.succeeded')).toBe('running');
    expect(walk(...running, 'up.begun', 'vm.starting')).toBe('starting');
  });

  test('a VM that stalls degrades the machine', () => {
    expect(walk('up.begun', 'operation.succeeded', 'vm.stalled')).toBe('degraded');
    expect(walk('up.begun', 'operation.succeeded', 'vm.stalled', 'health.restored')).toBe('running');
  });

  test('every state can reach stopped', () => {
    for (const state of Object.keys(MACHINE_TRANSITIONS) as MachineState[]) {
      const events = Object.values(MACHINE_TRANSITIONS[state]);
      expect(events.length, state).toBeGreaterThan(0);
      const settled = ['starting', 'stopping', 'restarting'].includes(state)
        ? step(state, 'operation.succeeded')
        : state;
      expect(step(step(settled, 'down.begun'), 'operation.succeeded')).toBe('stopped');
    }
  });

  test('every state can be reached', () => {
    const reached = new Set<MachineState>(['stopped']);
    // A set is iterated over what is added meanwhile.
    for (const state of reached) Object.values(MACHINE_TRANSITIONS[state]).forEach((to) => reached.add(to));
    expect([...reached].sort()).toEqual(Object.keys(MACHINE_TRANSITIONS).sort());
  });

  test('one operation at a time: none begins while another runs, and none ends that has not begun', () => {
    for (const busy of ['starting', 'stopping', 'restarting'] as const)
      for (const begun of ['up.begun', 'down.begun', 'restart.begun', 'uninstall.begun'] as const)
        expect(nextMachineState(busy, begun)).toBeUndefined();
    for (const idle of ['stopped', 'failed'] as const)
      for (const ended of ['operation.succeeded', 'operation.failed', 'operation.cancelled'] as const)
        expect(nextMachineState(idle, ended)).toBeUndefined();
  });
});

test.each([
  ['stopped', 'absent', 'absent'],
  ['stopped', 'saved', 'saved'],
  ['stopped', 'off', 'stopped'],
  ['stopped', 'unknown', 'stopped'],
  ['starting', 'absent', 'starting'],
  ['failed', 'saved', 'failed'],
] as const)('a machine that is %s and whose VM is %s is shown as %s', (state, vm, shown) => {
  expect(shownState(state, vm)).toBe(shown);
});

describe('an event that cannot occur', () => {
  test('is logged as a bug and changes nothing', () => {
    const logged: [LogEvent, LogFields | undefined][] = [];
    const condition = new MachineCondition({
      ...silentLogger,
      error: (event, fields) => logged.push([event, fields]),
    });
    condition.apply('health.restored');
    expect(condition.state).toBe('stopped');
    expect(logged).toEqual([
      [
        'machine.state.bug',
        {
          code: 'MOBYVM_BUG',
          message: 'The event "health.restored" cannot occur in the state "stopped".',
        },
      ],
    ]);
    condition.apply('up.begun');
    expect(condition.state).toBe('starting');
  });

  test('throws in tests', () => {
    const condition = new MachineCondition(silentLogger, (bug) => {
      throw bug;
    });
    expect(() => condition.apply('operation.succeeded')).toThrow('cannot occur in the state "stopped"');
  });
});
