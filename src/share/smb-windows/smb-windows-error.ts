import { isAbort, MobyvmError } from '../../core/values/index.js';
import { isForbidden, isMissing, PowerShellError } from '../../powershell/index.js';

/** Runs it, and turns a failure into an error that the user understands. @param what failed, as a sentence's start */
export async function orShareServerError<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAbort(error) || !(error instanceof PowerShellError)) throw error;
    throw shareServerError(what, error);
  }
}

/** Whether a cmdlet says that what it was asked for does not exist. */
export function isNotFound(thrown: unknown): boolean {
  return (
    thrown instanceof PowerShellError &&
    (thrown.category === 'ObjectNotFound' || thrown.errorId.startsWith('CmdletizationQuery_NotFound'))
  );
}

/** Windows reported success, but nothing has changed. */
export function noEffectError(what: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SHARE_SERVER',
    `${what}: Windows reported success, but nothing has changed.`,
    'Run the command again. If that does not help, restart the service "Server" (LanmanServer), or Windows.',
  );
}

function shareServerError(what: string, thrown: PowerShellError): MobyvmError {
  const text = thrown.message.replaceAll(/\s+/g, ' ').trim();
  const { errorId, category, command, hresult } = thrown;
  return new MobyvmError(
    'MOBYVM_SHARE_SERVER',
    `${what}${text === '' ? '' : `. Windows says: ${text}`}`,
    remedyOf(thrown),
    { cause: thrown, details: { command, errorId, category, hresult: `0x${hresult.toString(16)}` } },
  );
}

function remedyOf(thrown: PowerShellError): string {
  if (isMissing(thrown)) {
    return "Check that Windows' modules SmbShare and Microsoft.PowerShell.LocalAccounts can be imported; `sfc /scannow` repairs them.";
  }
  if (isForbidden(thrown)) return 'Ask your administrator what AppLocker or App Control allow for mobyvm.';
  if (thrown.category === 'PermissionDenied' || thrown.errorId === 'AccessDenied') {
    return 'mobyvm needs administrator rights, and policies may forbid local accounts or shares: ask your administrator.';
  }
  return 'Check that the service "Server" (LanmanServer) is running, then run the command again.';
}
