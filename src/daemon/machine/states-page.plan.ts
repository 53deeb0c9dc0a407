import { MACHINE_TRANSITIONS, type MachineEvent, type MachineState } from './machine-state.plan.js';

const STATES: Readonly<Record<MachineState, string>> = {
  stopped: 'Nothing is set up on this host.',
  starting: '`up` is in progress and the VM was not running.',
  running: 'The VM runs and its engine answers.',
  degraded:
    'The VM runs, but its engine does not answer, it is paused because the host has no space left, or something that it needs on the host was changed and cannot be repaired.',
  stopping: '`down` or `uninstall` is in progress: the VM shuts down or is saved.',
  restarting: '`restart` is in progress.',
  failed: 'An operation failed, or the VM ended unexpectedly. There is always an error with a remedy.',
};

const EVENTS: Readonly<Record<MachineEvent, string>> = {
  'up.begun': '`mobyvm up`, or the service starts the machine',
  'down.begun': '`mobyvm down`, or the service or the host shuts down',
  'restart.begun': '`mobyvm restart`',
  'uninstall.begun': '`mobyvm uninstall`',
  'operation.succeeded': 'the operation in progress succeeds',
  'operation.failed': 'the operation in progress fails, or is interrupted and something is left on the host',
  'operation.cancelled': 'the operation in progress is interrupted, and nothing is left of it on the host',
  'health.lost': 'the engine stops answering, or a repair on the host fails',
  'health.restored': 'the engine answers and nothing on the host is broken',
  'vm.starting': '`up` or `restart` finds no running VM and starts or resumes one',
  'vm.stalled': 'the VM is paused because it cannot write, or its processors stopped',
  'vm.exited': 'the VM ends without being asked to',
};

interface Edge {
  readonly from: MachineState;
  readonly event: MachineEvent;
  readonly to: MachineState;
}

/** docs/states.md, generated from the table of transitions so that the two cannot diverge. */
export function statesPage(): string {
  const edges = allEdges();
  return [
    '# States of the machine',
    '',
    'What `mobyvm status`, the dashboard and the control API show as the state, and what changes it. No other change is possible: an event in a state for which it is not listed is a bug, which is logged as `machine.state.bug` and changes nothing.',
    'The state is that of the daemon. It is in no file: a new daemon begins with `stopped`, and `up` or `down` finds out whether there is a VM.',
    'This page is generated (`npm run docs:states`).',
    '',
    '| state | meaning |',
    '| --- | --- |',
    ...entriesOf(STATES).map(([state, meaning]) => `| \`${state}\` | ${meaning} |`),
    '',
    '`mobyvm status` shows `absent` instead of `stopped` while there is no VM: before the first `up`, and after `uninstall`. It shows `saved` while the memory of the VM is saved on disk; the next `up` resumes it. Saving is what `down` does unless told otherwise, and has no state of its own: it is `stopping`. Both are observed: no event leads to them.',
    '',
    '## Changes',
    '',
    '```mermaid',
    ...diagram(edges),
    '```',
    '',
    '| from | event | to |',
    '| --- | --- | --- |',
    ...edges
      .filter(({ from, to }) => from !== to)
      .map(({ from, event, to }) => `| \`${from}\` | \`${event}\` | \`${to}\` |`),
    '',
    '## Events',
    '',
    '| event | when | changes nothing in |',
    '| --- | --- | --- |',
    ...entriesOf(EVENTS).map(([event, meaning]) => {
      const kept = edges.filter((edge) => edge.event === event && edge.from === edge.to);
      return `| \`${event}\` | ${meaning} | ${kept.map(({ from }) => `\`${from}\``).join(', ')} |`;
    }),
    '',
  ].join('\n');
}

/** One arrow per pair of states, with all events that lead from one to the other. */
function diagram(edges: readonly Edge[]): readonly string[] {
  const labels = new Map<string, string[]>();
  for (const { from, event, to } of edges) {
    if (from === to) continue;
    const arrow = `${from} --> ${to}`;
    labels.set(arrow, [...(labels.get(arrow) ?? []), event]);
  }
  const arrows = [...labels].map(([arrow, events]) => `  ${arrow}: ${events.join(', ')}`);
  return ['stateDiagram-v2', '  [*] --> stopped', ...arrows];
}

function allEdges(): readonly Edge[] {
  return entriesOf(MACHINE_TRANSITIONS).flatMap(([from, events]) =>
    entriesOf(events).map(([event, to]) => ({ from, event, to })),
  );
}

function entriesOf<K extends string, V>(record: Readonly<Partial<Record<K, V>>>): [K, V][] {
  return Object.entries(record) as [K, V][];
}
