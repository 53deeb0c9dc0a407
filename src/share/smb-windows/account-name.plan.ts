/** The parts of `DOMAIN\user`, `user@domain` or `user`. */
export interface AccountName {
  readonly user: string;
  /** Empty for a local account. */
  readonly domain: string;
}

export function parseAccountName(text: string): AccountName {
  const [, domain, user] = /^([^\\]*)\\(.*)$/s.exec(text) ?? [];
  if (domain !== undefined && user !== undefined) return { user, domain: domain === '.' ? '' : domain };
  const [, name, realm] = /^([^@]+)@(.+)$/s.exec(text) ?? [];
  return name === undefined || realm === undefined
    ? { user: text, domain: '' }
    : { user: name, domain: realm };
}

/** Whether an entry of an access list is for the account: Windows writes the computer's name before local ones. */
export function isSameAccount(listed: string, wanted: string): boolean {
  return parseAccountName(listed).user.toLowerCase() === parseAccountName(wanted).user.toLowerCase();
}

/** What Windows says of a local account. */
export interface LocalAccount {
  readonly isEnabled: boolean;
  readonly hasPassword: boolean;
  /** `Local`, `MicrosoftAccount`, `AzureAD`, `ActiveDirectory`; empty if Windows does not say. */
  readonly source: string;
  readonly description: string;
}

/** Why an account cannot log in to Windows' file server, as a sentence without its full stop. */
export function accountProblem(text: string, local: LocalAccount | undefined): string | undefined {
  const { domain } = parseAccountName(text);
  if (/^azuread$/i.test(domain) || local?.source === 'AzureAD') {
    return `"${text}" signs in with Microsoft Entra ID (Azure AD), and Windows' file server accepts no such accounts`;
  }
  if (domain !== '') return undefined;
  if (local === undefined) return `this computer has no local account "${text}"`;
  if (!local.isEnabled) return `the account "${text}" is disabled`;
  if (!local.hasPassword) {
    return `the account "${text}" has no password (a PIN is none), and Windows lets no such account in over the network`;
  }
  return undefined;
}
