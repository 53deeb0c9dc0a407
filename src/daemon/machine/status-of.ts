import { diskObstacles } from '../guest/index.js';
import type { MachineCondition } from './condition.js';
import type { MachineHealth } from './machine-health.js';
import type { MachineOperations } from './machine-operations.js';
import type { MachineParts } from './machine-parts.js';
import type { Obstacle } from '../host-side/host-network.js';
import { shownState } from './machine-state.plan.js';
import type { EngineDescription, MachineStatus, VmDescription } from './machine-status.js';
import { describedNetwork, isUp, observeVm } from './observe-vm.js';

export interface StatusSources {
  readonly parts: MachineParts;
  readonly condition: MachineCondition;
  readonly operations: MachineOperations;
  readonly health: MachineHealth;
  readonly isBusy: boolean;
}

/** Asks the VM and its engine, and combines the answers with what is known of the machine. */
export async function statusOf(sources: StatusSources): Promise<MachineStatus> {
  const { parts, condition, operations, health, isBusy } = sources;
  const { about, driver, guest, host, ports, shares } = parts;
  const engine = await engineDescription(sources);
  const { error: vmError, ...vm } = await observeVm(parts, parts.specFor(operations.settings));
  const error = condition.error ?? vmError;
  const hasNetwork = isBusy || isUp(vm.state) || operations.isNetworkUp;
  const isSaved = vm.state === 'saved';
  return {
    state: shownState(condition.state, vm.state),
    since: condition.since,
    ...stepDescription(condition),
    ...(error === undefined ? {} : { error }),
    daemon: about.daemon,
    vm: { driver: driver.name, machineId: about.machineId, ...vm, ...(isSaved && (await savedSince(parts))) },
    ...(operations.pending.length === 0 ? {} : { pending: operations.pending }),
    ...(guest.facts === undefined ? {} : { guest: guest.facts }),
    network: { ...describedNetwork(host, hasNetwork), mac: about.mac },
    engine,
    ports: ports.counts(),
    hostNetworkContainers: ports.hostNetworkContainers(),
    shares: await shares.describe(),
    timings: { steps: condition.stepTimings, guest: parts.boot.stages },
    resources: health.resources,
    repairs: health.repairs,
    obstacles: [
      ...health.obstacles,
      ...(await imageObstacle(parts)),
      ...(guest.facts?.disk === undefined ? [] : diskObstacles(guest.facts.disk)),
    ],
  };
}

async function imageObstacle({ imageProblem }: MachineParts): Promise<readonly Obstacle[]> {
  const found = await imageProblem();
  return found === undefined ? [] : [{ id: 'boot-image', ...found }];
}

/** For information only: a record that cannot be read says nothing. */
async function savedSince({ guestRecord }: MachineParts): Promise<Pick<VmDescription, 'saved'>> {
  const saved = (await guestRecord.read().catch(() => undefined))?.saved;
  return saved === undefined ? {} : { saved };
}

async function engineDescription(sources: StatusSources): Promise<EngineDescription> {
  const { parts, condition, operations, health } = sources;
  const answer = condition.isEngineReady ? await health.probe() : undefined;
  return {
    endpoint: parts.about.endpoint,
    ...usualEndpoint(parts),
    reachable: answer !== undefined,
    ...(answer === undefined ? {} : operations.engine),
    ...(answer?.clockOffsetMs === undefined ? {} : { clockOffsetMs: answer.clockOffsetMs }),
  };
}

function usualEndpoint({ about }: MachineParts): Pick<EngineDescription, 'usual'> {
  const usual = about.usualEndpoint?.();
  if (usual === undefined) return {};
  const { address: endpoint, problem } = usual;
  return { usual: { endpoint, ...(problem === undefined ? {} : { problem }) } };
}

function stepDescription({ step }: MachineCondition): Pick<MachineStatus, 'step'> {
  if (step === undefined) return {};
  const { id, title, detail, startedMs } = step;
  return { step: { id, title, detail, elapsedMs: Math.round(performance.now() - startedMs) } };
}
