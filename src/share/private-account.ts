/**
 * mobyvm's own account for shares: a name that the VM logs in with, on Windows a local account. Windows allows 20
 * characters.
 */
export const PRIVATE_ACCOUNT = 'mobyvm-shares';
