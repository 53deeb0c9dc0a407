import { createHash } from 'node:crypto';
import type { LedgerEntry, ManagedResource } from '../../core/host/index.js';
import { MobyvmError, type Change } from '../../core/values/index.js';
import { cmdlet, secret, type PowerShell } from '../../powershell/index.js';
import { PRIVATE_ACCOUNT } from '../private-account.js';
import type { LocalAccount } from './account-name.plan.js';
import { isNotFound, noEffectError, orShareServerError } from './smb-windows-error.js';
import type { SmbWindowsOptions } from './smb-windows-options.js';

const ENTRY: LedgerEntry = { kind: 'local-account', name: PRIVATE_ACCOUNT };

/** A local account of Windows; undefined if there is none. */
export async function readLocalAccount(
  powerShell: PowerShell,
  name: string,
  signal: AbortSignal,
): Promise<LocalAccount | undefined> {
  const query = {
    pipeline: [cmdlet('Get-LocalUser', { Name: [name] })],
    fields: {
      Name: 'text',
      Enabled: 'boolean',
      PasswordLastSet: 'text',
      PrincipalSource: 'text',
      Description: 'text',
    },
  } as const;
  try {
    const [row] = await powerShell.read(query, { signal });
    return (
      row && {
        isEnabled: row.Enabled === true,
        hasPassword: row.PasswordLastSet !== undefined || row.PrincipalSource === 'MicrosoftAccount',
        source: row.PrincipalSource ?? '',
        description: row.Description ?? '',
      }
    );
  } catch (error) {
    if (isNotFound(error)) return undefined;
    return orShareServerError(`The account "${name}" could not be read`, () =>
      Promise.reject(error as Error),
    );
  }
}

/**
 * mobyvm's own account: a member of no group, so that nobody can sign in with it at the computer, with a password that
 * neither expires nor can be changed by it. It stays until `uninstall`, as permissions name it by its SID.
 * @see https://learn.microsoft.com/powershell/module/microsoft.powershell.localaccounts/new-localuser
 */
export function localAccount(options: SmbWindowsOptions, isNeeded: boolean): ManagedResource {
  const { powerShell, credentials, ledger, machineId } = options;

  const plan = async (signal: AbortSignal): Promise<Change> => {
    if (!isNeeded) return { kind: 'none' };
    const found = await readLocalAccount(powerShell, PRIVATE_ACCOUNT, signal);
    if (found === undefined) return { kind: 'create' };
    const known = (await ledger.list()).find(({ kind, name }) => kind === ENTRY.kind && name === ENTRY.name);
    // One that a call made after it was given up is in no ledger.
    if (known === undefined && found.description !== markOf(machineId)) throw foreignAccountError();
    const password = await credentials.read(PRIVATE_ACCOUNT);
    if (password === undefined || known?.detail !== fingerprint(password)) {
      return { kind: 'update', fields: ['password'] };
    }
    return found.isEnabled ? { kind: 'none' } : { kind: 'replace', reason: 'it was disabled' };
  };

  const remove = async (signal: AbortSignal): Promise<'remove' | 'none'> => {
    if (!(await ledger.has(ENTRY))) return 'none';
    const isThere = (await readLocalAccount(powerShell, PRIVATE_ACCOUNT, signal)) !== undefined;
    if (isThere) await removeAccount(powerShell, signal);
    await ledger.delete(ENTRY);
    return isThere ? 'remove' : 'none';
  };

  return {
    id: 'share-account',
    title: `account ${PRIVATE_ACCOUNT}`,
    lifetime: 'installation',
    isRepaired: true,
    plan: ({ signal }) => plan(signal),
    async ensure({ signal, onFailure }) {
      const change = await plan(signal);
      if (change.kind === 'none') return 'none';
      const password = await credentials.read(PRIVATE_ACCOUNT);
      if (password === undefined) throw noPasswordError();
      const recorded = { ...ENTRY, detail: fingerprint(password) };
      if (change.kind === 'update') {
        await setPassword(powerShell, password, signal);
        await ledger.add(recorded);
        return 'update';
      }
      await ledger.add(recorded);
      onFailure(async () => {
        await remove(new AbortController().signal);
      });
      if (change.kind === 'replace') await removeAccount(powerShell, signal);
      await createAccount(options, password, signal);
      return change.kind;
    },
    remove: ({ signal }) => remove(signal),
  };
}

/** The account's description, in which Windows takes 48 characters. */
function markOf(machineId: string): string {
  return `mobyvm ${machineId}`;
}

/** Tells whether the account still has the password: it is random, so that its hash says nothing about it. */
function fingerprint(password: string): string {
  return createHash('sha256').update(`mobyvm ${password}`).digest('hex').slice(0, 16);
}

function foreignAccountError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `The local account "${PRIVATE_ACCOUNT}" exists, and mobyvm did not create it.`,
    `If nothing else needs it, remove it: Remove-LocalUser -Name ${PRIVATE_ACCOUNT}`,
  );
}

function noPasswordError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SHARE_CREDENTIALS',
    `The password of "${PRIVATE_ACCOUNT}" is not known.`,
    'Run `mobyvm up`, which creates another one.',
  );
}

async function removeAccount(powerShell: PowerShell, signal: AbortSignal): Promise<void> {
  await orShareServerError(`The account "${PRIVATE_ACCOUNT}" was not removed`, () =>
    powerShell.run([cmdlet('Remove-LocalUser', { Name: [PRIVATE_ACCOUNT] })], { signal }),
  );
}

async function setPassword(powerShell: PowerShell, password: string, signal: AbortSignal): Promise<void> {
  const call = cmdlet('Set-LocalUser', { Name: PRIVATE_ACCOUNT, Password: secret(password) });
  await orShareServerError(`The password of "${PRIVATE_ACCOUNT}" was not set`, () =>
    powerShell.run([call], { signal }),
  );
}

async function createAccount(
  { powerShell, machineId }: SmbWindowsOptions,
  password: string,
  signal: AbortSignal,
): Promise<void> {
  const what = `The account "${PRIVATE_ACCOUNT}" was not created`;
  const call = cmdlet('New-LocalUser', {
    Name: PRIVATE_ACCOUNT,
    Password: secret(password),
    FullName: 'mobyvm shares',
    Description: markOf(machineId),
    AccountNeverExpires: true,
    PasswordNeverExpires: true,
    UserMayNotChangePassword: true,
  });
  const query = { pipeline: [call], fields: { Name: 'text' } } as const;
  const rows = await orShareServerError(what, () => powerShell.read(query, { signal }));
  if (!rows.some(({ Name }) => Name === PRIVATE_ACCOUNT)) throw noEffectError(what);
}
