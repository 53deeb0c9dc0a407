import type { Ledger, RemoveOutcome, Resource } from '../../../core/host/index.js';
import { MobyvmError, type Change } from '../../../core/values/index.js';
import { cmdlet, guid, type CmdletCall, type PowerShell, type Row } from '../../../powershell/index.js';
import { orHypervError, withoutEffectError } from '../../hyperv/hyperv-error.js';

export interface SwitchOptions {
  readonly powerShell: PowerShell;
  readonly ledger: Ledger;
  /** In the notes of the switch, and of everything else of our machine. */
  readonly tag: string;
  readonly name: string;
}

/** A switch with our name, or one that we created. */
export interface SwitchFound {
  /** Lower case. */
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly isOurs: boolean;
}

const FIELDS = { Id: 'text', Name: 'text', SwitchType: 'text', Notes: 'text' } as const;
const CREATE_SECONDS = 120;
/** The ledger's entry for our switch: its name, with the GUID as detail once Hyper-V has given it one. */
export const SWITCH_KIND = 'vm-switch';

/**
 * The internal switch that connects host and machine, recognised by its notes or its GUID.
 * @see https://learn.microsoft.com/powershell/module/hyper-v/new-vmswitch
 */
export function internalSwitch(options: SwitchOptions): Resource<object, SwitchFound> {
  const { powerShell, ledger, tag, name } = options;
  const entry = { kind: SWITCH_KIND, name };
  const removeAndForget = async (signal: AbortSignal): Promise<RemoveOutcome> => {
    const outcome = await removeOurs(options, signal);
    for (const each of await ledger.list()) if (each.kind === SWITCH_KIND) await ledger.delete(each);
    return outcome;
  };
  return {
    id: 'network-switch',
    title: `switch ${name}`,
    async observe({ signal }) {
      const found = await readSwitches(options, signal);
      const named = found.find((each) => each.name.toLowerCase() === name.toLowerCase());
      return named ?? found.find(({ isOurs }) => isOurs);
    },
    plan: (found) => planSwitch(name, found),
    async ensure(_, found, { signal, onFailure }) {
      if (planSwitch(name, found).kind === 'replace') await removeOurs(options, signal);
      // Both before the effect: a call that fails may have created the switch all the same.
      onFailure(async () => {
        await removeAndForget(new AbortController().signal);
      });
      await ledger.add(entry);
      const create = cmdlet('New-VMSwitch', { Name: name, SwitchType: 'Internal', Notes: tag });
      const rows = await orHypervError(`The switch "${name}" was not created`, () =>
        powerShell.read({ pipeline: [create], fields: FIELDS }, { signal, timeoutSeconds: CREATE_SECONDS }),
      );
      const made = (await foundIn(rows, options)).find(({ isOurs }) => isOurs);
      if (made === undefined) throw withoutEffectError(`The switch "${name}" was not created`);
      await ledger.add({ ...entry, detail: made.id });
    },
    remove: ({ signal }) => removeAndForget(signal),
  };
}

async function readSwitches(options: SwitchOptions, signal: AbortSignal): Promise<readonly SwitchFound[]> {
  const query = { pipeline: [cmdlet('Get-VMSwitch')], fields: FIELDS } as const;
  const rows = await orHypervError('The switches could not be read', () =>
    options.powerShell.read(query, { signal }),
  );
  return foundIn(rows, options);
}

async function foundIn(
  rows: readonly Row<typeof FIELDS>[],
  { ledger, tag }: SwitchOptions,
): Promise<readonly SwitchFound[]> {
  const ids = (await ledger.list()).filter(({ kind }) => kind === SWITCH_KIND).map(({ detail }) => detail);
  return rows.flatMap(({ Id, Name = '', SwitchType = '', Notes = '' }) => {
    if (Id === undefined) return [];
    const { guid: id } = guid(Id);
    const isOurs = Notes.split(/\s/).includes(tag) || ids.includes(id);
    return [{ id, name: Name, type: SwitchType, isOurs }];
  });
}

async function removeOurs(options: SwitchOptions, signal: AbortSignal): Promise<RemoveOutcome> {
  const readOurs = async (): Promise<readonly SwitchFound[]> =>
    (await readSwitches(options, signal)).filter(({ isOurs }) => isOurs);
  const ours = await readOurs();
  if (ours.length === 0) return 'none';
  for (const { id, name } of ours) {
    await orHypervError(`The switch "${name}" was not removed`, () =>
      options.powerShell.run([switchOf(id), cmdlet('Remove-VMSwitch', { Force: true })], {
        signal,
        timeoutSeconds: CREATE_SECONDS,
      }),
    );
  }
  if ((await readOurs()).length > 0) throw withoutEffectError(`The switch "${options.name}" was not removed`);
  return 'remove';
}

function planSwitch(name: string, found: SwitchFound | undefined): Change {
  if (found === undefined) return { kind: 'create' };
  if (!found.isOurs) throw foreignSwitchError(found.name);
  if (found.type !== 'Internal') return { kind: 'replace', reason: `its type is ${found.type}` };
  if (found.name.toLowerCase() !== name.toLowerCase())
    return { kind: 'replace', reason: `its name is ${found.name}` };
  return { kind: 'none' };
}

function switchOf(id: string): CmdletCall {
  return cmdlet('Get-VMSwitch', { Id: guid(id) });
}

function foreignSwitchError(name: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `A switch "${name}" exists already, and this mobyvm did not create it.`,
    `Rename it or, if nothing needs it, remove it: Remove-VMSwitch -Name '${name}'`,
  );
}
