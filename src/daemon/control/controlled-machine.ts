import type { MobyvmError } from '../../core/values/index.js';
import type { KvpExchange } from '../../kvp/index.js';
import type { DhcpLease, PublishedPort } from '../../proxy/index.js';
import type { DaemonInfo, MachineStatus, MachineUsage } from '../machine/machine-status.js';
import type { RunningContainer } from '../machine/running-containers.plan.js';
import type { Operation, OperationListener, Requester } from '../machine/operation.js';

/** What the control API controls; the daemon's machine fits. */
export interface ControlledMachine {
  readonly kvp: KvpExchange;
  /** Why the VM is paused, while it is. */
  readonly stall: MobyvmError | undefined;
  /** Of the VM, without control characters. */
  readonly console: MachineConsole;
  info(): DaemonInfo;
  status(): Promise<MachineStatus>;
  /** Calls back at every change of the status. Returns the unsubscribe function. */
  onStatusChange(listener: () => void): () => void;
  operate(operation: Operation, requester: Requester, listener: OperationListener): Promise<void>;
  cancel(): Promise<boolean>;
  listPorts(): Promise<readonly PublishedPort[]>;
  /** Likewise, without asking the engine which there are. */
  knownPorts(): readonly PublishedPort[];
  /** The running containers. @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE */
  listContainers(): Promise<readonly RunningContainer[]>;
  usage(): Promise<MachineUsage>;
  listLeases(): readonly DhcpLease[];
}

export interface MachineConsole {
  /** The latest lines. */
  tail(maxLines: number): Promise<readonly string[]>;
  /** Returns the unsubscribe function. */
  onLine(listener: (line: string) => void): () => void;
}
