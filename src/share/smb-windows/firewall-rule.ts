import type { ManagedResource } from '../../core/host/index.js';
import type { Change } from '../../core/values/index.js';
import { cmdlet, type PowerShell } from '../../powershell/index.js';
import type { FileServerPlace } from '../file-server.js';
import { isNotFound, noEffectError, orShareServerError } from './smb-windows-error.js';
import type { SmbWindowsOptions } from './smb-windows-options.js';

const GROUP = 'mobyvm shares';
const SMB_PORT = '445';

/**
 * Lets the VM alone reach Windows' file server, at the host's address on the VM's network, in every profile: a switch
 * without a gateway is in the profile "Public". Windows' own group "File and Printer Sharing" stays as it is.
 */
export function smbFirewallRule(
  { powerShell, ledger, machineId }: SmbWindowsOptions,
  { hostAddress, vmAddress }: FileServerPlace,
  isNeeded: boolean,
): ManagedResource {
  const name = `mobyvm-shares-${machineId}`;
  const entry = { kind: 'firewall-rule', name };
  const description = `TCP ${SMB_PORT} of ${hostAddress} from ${vmAddress}`;

  const read = (signal: AbortSignal): Promise<RuleState> =>
    readRule(powerShell, { name, description }, signal);
  const plan = async (signal: AbortSignal): Promise<Change> => {
    const found = await read(signal);
    if (!isNeeded)
      return found === 'absent' ? { kind: 'none' } : { kind: 'replace', reason: 'nothing is shared' };
    if (found === 'absent') return { kind: 'create' };
    return found === 'right' ? { kind: 'none' } : { kind: 'replace', reason: 'it allows something else' };
  };
  const remove = async (signal: AbortSignal): Promise<'remove' | 'none'> => {
    const isThere = (await read(signal)) !== 'absent';
    if (isThere) {
      await orShareServerError('The firewall rule for shares was not removed', () =>
        powerShell.run([cmdlet('Remove-NetFirewallRule', { Name: [name] })], { signal }),
      );
    }
    await ledger.delete(entry);
    return isThere ? 'remove' : 'none';
  };
  return {
    id: 'share-firewall',
    title: 'firewall rule for shares',
    lifetime: 'machine',
    isRepaired: true,
    plan: ({ signal }) => plan(signal),
    async ensure({ signal, onFailure }) {
      const change = await plan(signal);
      if (change.kind === 'none') return 'none';
      if (change.kind === 'replace') await remove(signal);
      if (!isNeeded) return change.kind;
      await ledger.add(entry);
      onFailure(async () => {
        await remove(new AbortController().signal);
      });
      await createRule(powerShell, { name, description, hostAddress, vmAddress }, signal);
      return change.kind;
    },
    remove: ({ signal }) => remove(signal),
  };
}

type RuleState = 'right' | 'wrong' | 'absent';

interface DescribedRule {
  readonly name: string;
  /** Says what the rule allows, and is what we compare: reading the filters of a rule takes seconds. */
  readonly description: string;
}

async function readRule(
  powerShell: PowerShell,
  { name, description }: DescribedRule,
  signal: AbortSignal,
): Promise<RuleState> {
  const query = {
    pipeline: [cmdlet('Get-NetFirewallRule', { Group: [GROUP] })],
    fields: { Name: 'text', Description: 'text', Enabled: 'text', Action: 'text' },
  } as const;
  const rows = await orShareServerError('The firewall rules could not be read', () =>
    powerShell.read(query, { signal, timeoutSeconds: 60 }).catch((error: unknown) => {
      if (isNotFound(error)) return [];
      throw error;
    }),
  );
  const found = rows.find((row) => row.Name === name);
  if (found === undefined) return 'absent';
  const isRight = found.Description === description && found.Enabled === 'True' && found.Action === 'Allow';
  return isRight ? 'right' : 'wrong';
}

async function createRule(
  powerShell: PowerShell,
  { name, description, hostAddress, vmAddress }: DescribedRule & FileServerPlace,
  signal: AbortSignal,
): Promise<void> {
  const what = 'The firewall rule for shares was not created';
  const create = cmdlet('New-NetFirewallRule', {
    Name: name,
    DisplayName: 'mobyvm shares',
    Description: description,
    Group: GROUP,
    Direction: 'Inbound',
    Action: 'Allow',
    Profile: 'Any',
    Enabled: 'True',
    Protocol: 'TCP',
    LocalPort: [SMB_PORT],
    LocalAddress: [hostAddress],
    RemoteAddress: [vmAddress],
    // Windows' file server runs in the kernel.
    Program: 'System',
  });
  const query = { pipeline: [create], fields: { Name: 'text' } } as const;
  const rows = await orShareServerError(what, () => powerShell.read(query, { signal }));
  if (!rows.some(({ Name }) => Name === name)) throw noEffectError(what);
}
