import type { CmdletCall, PowerShell } from '../../powershell/index.js';
import { cmdlet, guid } from '../../powershell/index.js';
import type { VmState } from '../driver.js';
import { tagOf } from '../network/ownership.plan.js';
import { orHypervFailure } from './hyperv-failure.js';
import { vmStateOf } from './vm-state.plan.js';

/** A virtual machine of ours that Hyper-V has. */
export interface FoundMachine {
  /** Lower case. */
  readonly id: string;
  readonly state: VmState;
  /** Hyper-V's own name of the state, for messages. */
  readonly stateName: string;
  readonly generation: 1 | 2;
  /** One that is not was left by a creation that broke off. */
  readonly isWhole: boolean;
}

const FIELDS = { Id: 'text', State: 'text', Notes: 'text', Path: 'text', Generation: 'number' } as const;

export interface MachineSearch {
  readonly machineId: string;
  /** Absolute path of the folder in which our machine's configuration is; nobody else's is there. */
  readonly folder: string;
  /** Hyper-V's GUID of our machine, as it was when we made it. */
  readonly identity: { read(): Promise<{ readonly vmId: string } | undefined> };
}

/**
 * The machine that we remember by its GUID, or that was made in our own folder: never by its name, which others may have as well,
 * nor by its notes, which a copy has too.
 */
export async function findMachine(
  powerShell: PowerShell,
  { machineId, folder, identity }: MachineSearch,
  signal: AbortSignal,
): Promise<FoundMachine | undefined> {
  // Without it the folder tells.
  const recorded = (await identity.read().catch(() => undefined))?.vmId;
  const rows = await orHypervFailure('The virtual machines could not be read', () =>
    powerShell.read({ pipeline: [cmdlet('Get-VM')], fields: FIELDS }, { signal }),
  );
  const tag = tagOf(machineId);
  const ours = rows.flatMap(({ Id, Path = '', Notes = '', State = '', Generation }) => {
    if (Id === undefined) return [];
    const { guid: id } = guid(Id);
    const isRecorded = id === recorded;
    if (!isRecorded && !isInside(Path, folder)) return [];
    const isWhole = isRecorded || Notes.split(/\s/).includes(tag);
    const generation: 1 | 2 = Generation === 2 ? 2 : 1;
    return [{ isRecorded, machine: { id, stateName: State, state: vmStateOf(State), isWhole, generation } }];
  });
  return (
    ours.find(({ isRecorded }) => isRecorded) ??
    ours.find(({ machine: { isWhole } }) => isWhole) ??
    ours[0]
  )?.machine;
}

/** The machine as the first stage of a pipeline. */
export function machine(id: string): CmdletCall {
  return cmdlet('Get-VM', { Id: guid(id) });
}

/** Windows compares paths without case, and takes both slashes. */
function isInside(path: string, folder: string): boolean {
  const plain = (text: string): string => text.replaceAll('\\', '/').replace(/\/+$/, '').toLowerCase();
  return plain(path) === plain(folder) || plain(path).startsWith(`${plain(folder)}/`);
}
