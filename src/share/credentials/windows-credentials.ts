import { createHash } from 'node:crypto';
import type { CredentialManager } from '../../windows/index.js';
import type { CredentialStore } from '../credential-store.js';
import { checkPassword } from './passwords.js';

/**
 * Passwords in the Credential Manager of the user that the daemon runs as, under names like
 * `mobyvm/4f53cda18c2b/DOMAIN\user`. Windows encrypts them and wipes what it removes.
 * @param path the file that would hold them elsewhere: each instance has another, and with it passwords of its own
 */
export function windowsCredentials(path: string, manager: () => Promise<CredentialManager>): CredentialStore {
  const instance = createHash('sha256').update(path.toLowerCase()).digest('hex').slice(0, 12);
  const prefix = `mobyvm/${instance}/`;
  return {
    read: async (account) => (await manager()).read(`${prefix}${account}`),
    write: async (account, password) => {
      checkPassword(password);
      (await manager()).write(`${prefix}${account}`, account, password);
    },
    remove: async (account) => (await manager()).remove(`${prefix}${account}`),
    list: async () => [...(await manager()).users(prefix)].sort(),
    // Windows keeps each by itself, and whole.
    setAsideIfUnreadable: () => Promise.resolve(false),
  };
}
