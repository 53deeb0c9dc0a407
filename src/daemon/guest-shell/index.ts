export { GuestShells, type GuestShell, type GuestShellsOptions, type ShellOutput } from './guest-shells.js';
export type { ShellRequest } from './shell-container.plan.js';
