import { describe, expect, test } from 'vitest';
import {
  MACHINE_TRANSITIONS,
  nextMachineState,
  type MachineEvent,
  type MachineState,
} from '../../../src/daemon/machine/machine-state.plan.js';

function walk(...events: readonly MachineEvent[]): MachineState {
  return events.reduce(nextMachineState, 'stopped');
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
        ? nextMachineState(state, 'operation.succeeded')
        : state;
      expect(nextMachineState(nextMachineState(settled, 'down.begun'), 'operation.succeeded')).toBe(
        'stopped',
      );
    }
  });
});
