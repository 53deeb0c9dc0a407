export type * from './call.js';
export type * from './powershell.js';
export { PowerShellError, type PowerShellFailure } from './power-shell-error.js';
