import type { Ledger, Resource } from '../../../core/host/index.js';
import type { Change } from '../../../core/values/index.js';
import { MobyvmError } from '../../../core/values/index.js';
import { cmdlet, guid, type CmdletCall, type PowerShell } from '../../../powershell/index.js';
import { orHypervFailure, withoutEffect } from '../../hyperv/hyperv-failure.js';

export interface SwitchOptions {
  readonly powerShell: PowerShell;
  readonly ledger: Ledger;
  /** In its notes, and of the whole machine. */
  readonly tag: string;
  readonly name: string;
}

/** A switch of that name, or of ours. */
export interface SwitchFound {
  /** Lower case. */
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly isOurs: boolean;
}

const FIELDS = { Id: 'text', Name: 'text', SwitchType: 'text', Notes: 'text' } as const;
const KIND = 'vm-switch';

/** The internal switch that host and machine hang on, recognised by its notes and its GUID. */
export function internalSwitch({
  powerShell,
  ledger,
  tag,
  name,
}: SwitchOptions): Resource<object, SwitchFound> {
  const remembered = async (): Promise<readonly string[]> =>
    (await ledger.list()).filter(({ kind }) => kind === KIND).map((entry) => entry.name);

  async function all(signal: AbortSignal): Promise<readonly SwitchFound[]> {
    const ids = await remembered();
    const query = { pipeline: [cmdlet('Get-VMSwitch')], fields: FIELDS } as const;
    const rows = await orHypervFailure('The switches could not be read', () =>
      powerShell.read(query, { signal }),
    );
    return rows.flatMap(({ Id, Name = '', SwitchType = '', Notes = '' }) => {
      if (Id === undefined) return [];
      const { guid: id } = guid(Id);
      const isOurs = Notes.split(/\s/).includes(tag) || ids.includes(id);
      return [{ id, name: Name, type: SwitchType, isOurs }];
    });
  }

  async function observe(signal: AbortSignal): Promise<SwitchFound | undefined> {
    const found = await all(signal);
    const named = found.find((each) => each.name.toLowerCase() === name.toLowerCase());
    return named ?? found.find(({ isOurs }) => isOurs);
  }

  async function removeOurs(signal: AbortSignal): Promise<void> {
    for (const each of await all(signal)) {
      if (!each.isOurs) continue;
      await orHypervFailure(`The switch "${each.name}" was not removed`, () =>
        powerShell.run([switchOf(each.id), cmdlet('Remove-VMSwitch', { Force: true })], {
          signal,
          timeoutSeconds: 120,
        }),
      );
    }
    if ((await all(signal)).some(({ isOurs }) => isOurs))
      throw withoutEffect(`The switch "${name}" was not removed`);
    for (const id of await remembered()) await ledger.delete({ kind: KIND, name: id });
  }

  return {
    id: 'network-switch',
    title: `switch ${name}`,
    observe: ({ signal }) => observe(signal),
    plan: (found) => planSwitch(name, found),
    async ensure(_, found, { signal, onFailure }) {
      if (planSwitch(name, found).kind === 'replace') await removeOurs(signal);
      // A call that fails may have made it all the same.
      onFailure(() => removeOurs(new AbortController().signal));
      const make = cmdlet('New-VMSwitch', { Name: name, SwitchType: 'Internal', Notes: tag });
      await orHypervFailure(`The switch "${name}" was not made`, () =>
        powerShell.run([make], { signal, timeoutSeconds: 120 }),
      );
      const made = (await all(signal)).find(({ isOurs }) => isOurs);
      if (made === undefined) throw withoutEffect(`The switch "${name}" was not made`);
      await ledger.add({ kind: KIND, name: made.id });
    },
    remove: ({ signal }) => removeOurs(signal),
  };
}

function planSwitch(name: string, found: SwitchFound | undefined): Change {
  if (found === undefined) return { kind: 'create' };
  if (!found.isOurs) throw foreignSwitch(found.name);
  if (found.type !== 'Internal') return { kind: 'replace', reason: `it is of the type ${found.type}` };
  if (found.name.toLowerCase() !== name.toLowerCase())
    return { kind: 'replace', reason: `its name is ${found.name}` };
  return { kind: 'none' };
}

function switchOf(id: string): CmdletCall {
  return cmdlet('Get-VMSwitch', { Id: guid(id) });
}

function foreignSwitch(name: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `There is a switch "${name}" already, and this mobyvm did not make it.`,
    `Rename it, or, if nothing needs it, remove it: Remove-VMSwitch -Name '${name}'`,
  );
}
