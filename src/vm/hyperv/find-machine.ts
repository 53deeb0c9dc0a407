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
  /** Whether it carries our tag: one that does not was left by a creation that broke off. */
  readonly isTagged: boolean;
}

const FIELDS = { Id: 'text', State: 'text', Notes: 'text', Path: 'text', Generation: 'number' } as const;

/**
 * The machine whose notes carry our tag, or that was made in our own folder: never by its name, which others may have as well.
 * @param folder absolute path of the folder in which our machine's configuration is; nobody else's is there
 */
export async function findMachine(
  powerShell: PowerShell,
  { machineId, folder }: { readonly machineId: string; readonly folder: string },
  signal: AbortSignal,
): Promise<FoundMachine | undefined> {
  const rows = await orHypervFailure('The virtual machines could not be read', () =>
    powerShell.read({ pipeline: [cmdlet('Get-VM')], fields: FIELDS }, { signal }),
  );
  const tag = tagOf(machineId);
  const ours = rows
    .map((row) => ({ row, isTagged: (row.Notes ?? '').split(/\s/).includes(tag) }))
    .filter(({ row, isTagged }) => isTagged || isInside(row.Path ?? '', folder))
    .sort((one, other) => Number(other.isTagged) - Number(one.isTagged));
  const [found] = ours;
  if (found?.row.Id === undefined) return undefined;
  const stateName = found.row.State ?? '';
  return {
    id: guid(found.row.Id).guid,
    ...{ stateName, state: vmStateOf(stateName), isTagged: found.isTagged },
    generation: found.row.Generation === 2 ? 2 : 1,
  };
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
