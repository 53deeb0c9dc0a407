/** Passwords of the accounts by which shares are mounted. Nothing else reads or writes them. */
export interface CredentialStore {
  /** Undefined if there is none. @param account `DOMAIN\user`, or the name of mobyvm's own account */
  read(account: string): Promise<string | undefined>;
  /** Replaces the password that there was. */
  write(account: string, password: string): Promise<void>;
  /** Overwrites and removes it; nothing happens if there is none. */
  remove(account: string): Promise<void>;
  /** The accounts that have a password, sorted. */
  list(): Promise<readonly string[]>;
  /**
   * Continues without the passwords if what is stored makes no sense, and keeps it beside. Without this the calls above
   * reject. @returns whether there was such a thing
   */
  setAsideIfUnreadable(): Promise<boolean>;
}
