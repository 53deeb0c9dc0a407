import type * as wire from '../../protocol/messages.js';
import type { DhcpLease } from '../../proxy/index.js';
import type { DaemonInfo, MachineStatus } from '../machine/machine-status.js';
import type { Operation, OperationEvent, OperationName } from '../machine/operation.js';

/** The daemon's own types as messages of the control API, and back. */

export function toWireInfo({ state, namespace, daemon }: DaemonInfo): wire.DaemonInfo {
  return { state, daemon, ...(namespace === undefined ? {} : { namespace }) };
}

export function toWireStatus(status: MachineStatus): wire.MachineStatus {
  const { step, error, pending, guest, network, vm, engine, obstacles } = status;
  return {
    state: status.state,
    since: status.since,
    ...(step === undefined ? {} : { step }),
    ...(error === undefined ? {} : { error }),
    daemon: status.daemon,
    vm,
    ...(pending === undefined ? {} : { pending: [...pending] }),
    ...(guest === undefined ? {} : { guest }),
    network,
    engine,
    ports: status.ports,
    hostNetworkContainers: [...status.hostNetworkContainers],
    shares: status.shares.shares.map((each) => ({ ...each })),
    heldContainers: [...status.shares.heldContainers],
    ...fileEventsOf(status.shares),
    timings: {
      steps: status.timings.steps.map((each) => ({ ...each })),
      guest: status.timings.guest.map((each) => ({ ...each })),
    },
    resources: [...status.resources],
    repairs: [...status.repairs],
    obstacles: obstacles.map(({ problem, remedy }) => ({ problem, remedy })),
  };
}

function fileEventsOf({ fileEvents }: MachineStatus['shares']): Pick<wire.MachineStatus, 'fileEvents'> {
  if (fileEvents === undefined) return {};
  const { mechanism, watched, problems } = fileEvents;
  return {
    fileEvents: {
      ...(mechanism === undefined ? {} : { mechanism }),
      watched,
      problems: problems.map((each) => ({ ...each })),
    },
  };
}

export function toWireLease({
  expiresAtMs,
  lastSeenMs,
  ...lease
}: DhcpLease): wire.LeaseListing['leases'][number] {
  return {
    ...lease,
    ...(expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() }),
    ...(lastSeenMs === undefined ? {} : { lastSeen: new Date(lastSeenMs).toISOString() }),
  };
}

export function toWireEvent(event: OperationEvent): wire.OperationEvent {
  return event;
}

export function toOperation(name: OperationName, { keepData, stop }: wire.OperationRequest): Operation {
  switch (name) {
    case 'uninstall':
      return { name, keepData: keepData ?? true };
    case 'down':
      return { name, stop: stop ?? false };
    case 'up':
    case 'restart':
      return { name };
  }
}
