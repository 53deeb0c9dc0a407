export { hresultIn } from './answer.codec.js';
export type * from './call.js';
export { cmdlet, guid, hashtable, hidden, secret } from './cmdlet.js';
export {
  CMDLETS,
  cmdletEntry,
  type CmdletEntry,
  type CmdletName,
  type ParameterKind,
} from './cmdlets/index.js';
export type * from './powershell.js';
export { isForbidden, isMissing, PowerShellError, type PowerShellFailure } from './power-shell-error.js';
export { PowerShellSession, type PowerShellIdentity, type PowerShellSessionOptions } from './session.js';
export { PowerShellSessions, type SessionPurpose } from './sessions.js';
