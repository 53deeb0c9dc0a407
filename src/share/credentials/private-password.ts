import type { ManagedResource } from '../../core/host/index.js';
import type { CredentialStore } from '../credential-store.js';
import { PRIVATE_ACCOUNT } from '../private-account.js';
import { generatePassword } from './passwords.js';

/** The password of mobyvm's own account: generated when a share first needs it, kept until `uninstall`. */
export function privatePassword(credentials: CredentialStore, isNeeded: boolean): ManagedResource {
  const isMissing = async (): Promise<boolean> =>
    isNeeded && (await credentials.read(PRIVATE_ACCOUNT)) === undefined;
  return {
    id: 'share-password',
    title: 'password of the account for shares',
    lifetime: 'installation',
    isRepaired: false,
    plan: async () => ({ kind: (await isMissing()) ? 'create' : 'none' }),
    async ensure({ onFailure }) {
      if (!(await isMissing())) return 'none';
      await credentials.write(PRIVATE_ACCOUNT, generatePassword());
      onFailure(() => credentials.remove(PRIVATE_ACCOUNT));
      return 'create';
    },
    async remove() {
      const isKnown = (await credentials.read(PRIVATE_ACCOUNT)) !== undefined;
      if (isKnown) await credentials.remove(PRIVATE_ACCOUNT);
      return isKnown ? 'remove' : 'none';
    },
  };
}
