import {
  cmdlet,
  guid,
  PowerShellError,
  type CmdletCall,
  type Fields,
  type PowerShell,
  type Row,
} from '../../powershell/index.js';
import type { VmState } from '../driver.js';
import { tagOf } from '../network/ownership.plan.js';
import { orHypervError } from './hyperv-error.js';
import { vmStateOf } from './vm-state.plan.js';

/** One of mobyvm's virtual machines, as Hyper-V has it. */
export interface FoundMachine {
  /** Lower case. */
  readonly id: string;
  readonly state: VmState;
  /** Hyper-V's own name of the state, for messages. */
  readonly stateName: string;
  readonly generation: 1 | 2;
  /** False for a machine that an interrupted creation has left behind. */
  readonly isWhole: boolean;
}

/** Properties of Hyper-V's machine object that {@link machineOf} needs. */
export const MACHINE_FIELDS = {
  Id: 'text',
  State: 'text',
  Notes: 'text',
  Path: 'text',
  Generation: 'number',
} as const;

export interface MachineSearch {
  readonly powerShell: PowerShell;
  readonly machineId: string;
  /** Absolute path of the folder that holds only this machine's configuration. */
  readonly folder: string;
  /** Hyper-V's GUID of our machine, recorded when it was created. */
  readonly identity: { read(): Promise<{ readonly vmId: string } | undefined> };
}

/**
 * Finds our machine: by its recorded GUID, or by our own configuration folder. Never by its name, which
 * others may use too, nor by its notes, which a copy has as well. One call when the GUID is known and the
 * machine exists.
 */
export async function findMachine(
  search: MachineSearch,
  signal: AbortSignal,
): Promise<FoundMachine | undefined> {
  // An unreadable record is no reason to fail: the folder still identifies the machine.
  const recorded = (await search.identity.read().catch(() => undefined))?.vmId;
  if (recorded !== undefined) {
    const row = await readById(search.powerShell, recorded, MACHINE_FIELDS, signal);
    if (row !== undefined) return machineOf(row, recorded, true);
  }
  return findInFolder(search, signal);
}

/**
 * Our machine by its GUID with any of its properties; undefined when Hyper-V has no machine with that GUID.
 */
export async function readById<F extends Fields>(
  powerShell: PowerShell,
  id: string,
  fields: F,
  signal: AbortSignal,
): Promise<Row<F> | undefined> {
  return orHypervError('The virtual machine could not be read', async () => {
    try {
      const [row] = await powerShell.read({ pipeline: [machine(id)], fields }, { signal });
      return row;
    } catch (error) {
      if (error instanceof PowerShellError && UNKNOWN_ID.includes(error.errorId)) return undefined;
      throw error;
    }
  });
}

/** Error ids of `Get-VM -Id` for a machine that does not exist. */
const UNKNOWN_ID: readonly string[] = ['InvalidParameter', 'ObjectNotFound'];

/** Looks through all machines of the host. */
async function findInFolder(
  { powerShell, machineId, folder }: MachineSearch,
  signal: AbortSignal,
): Promise<FoundMachine | undefined> {
  const rows = await orHypervError('The virtual machines could not be read', () =>
    powerShell.read({ pipeline: [cmdlet('Get-VM')], fields: MACHINE_FIELDS }, { signal }),
  );
  const tag = tagOf(machineId);
  const ours = rows.flatMap((row) =>
    row.Id === undefined || !isInside(row.Path ?? '', folder)
      ? []
      : [machineOf(row, guid(row.Id).guid, row.Notes?.split(/\s/).includes(tag) === true)],
  );
  return ours.find(({ isWhole }) => isWhole) ?? ours[0];
}

export function machineOf(
  { State = '', Generation }: Pick<Row<typeof MACHINE_FIELDS>, 'State' | 'Generation'>,
  id: string,
  isWhole: boolean,
): FoundMachine {
  return {
    id,
    state: vmStateOf(State),
    stateName: State,
    generation: Generation === 2 ? 2 : 1,
    isWhole,
  };
}

/** The machine as the first stage of a pipeline. */
export function machine(id: string): CmdletCall {
  return cmdlet('Get-VM', { Id: guid(id) });
}

/** Windows compares paths without case, and accepts both slashes. */
function isInside(path: string, folder: string): boolean {
  const plain = (text: string): string => text.replaceAll('\\', '/').replace(/\/+$/, '').toLowerCase();
  return plain(path) === plain(folder) || plain(path).startsWith(`${plain(folder)}/`);
}
