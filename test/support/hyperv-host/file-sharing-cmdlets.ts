import type { HostObject } from '../pwsh-host/stub-calls.js';
import type { Handlers } from './bound.js';
import { alreadyExists, HostFailure, notFound, queryNotFound } from './host-failure.js';

export interface SimulatedShare {
  readonly object: HostObject;
  access: { readonly account: string; readonly right: string }[];
}

/** Shares, local accounts and groups; a host has administrative shares and the accounts that Windows makes. */
export class SimulatedFileSharing {
  readonly computerName = 'PC';
  readonly shares = new Map<string, SimulatedShare>([
    ['C$', { object: { Name: 'C$', Path: 'C:\\', Description: 'Standardfreigabe' }, access: [] }],
    ['IPC$', { object: { Name: 'IPC$', Path: '', Description: 'Remote-IPC' }, access: [] }],
  ]);
  /** With their passwords, as nobody else may see them. */
  readonly users = new Map<string, HostObject>([
    ['me', { Name: 'me', Enabled: true, PasswordLastSet: '2024-01-01T00:00:00Z', PrincipalSource: 'Local' }],
    ['pin', { Name: 'pin', Enabled: true, PrincipalSource: 'Local' }],
    [
      'off',
      { Name: 'off', Enabled: false, PasswordLastSet: '2024-01-01T00:00:00Z', PrincipalSource: 'Local' },
    ],
  ]);
  readonly passwords = new Map<string, string>();
  readonly groups = new Map<string, HostObject>();

  snapshot(): HostObject {
    return {
      shares: [...this.shares.values()],
      users: [...this.users.values()],
      passwords: this.passwords.size,
    };
  }

  addForeignShare(name: string, path: string): void {
    this.shares.set(name, { object: { Name: name, Path: path, Description: '' }, access: [] });
  }

  handlers(): Handlers {
    return { ...this.#shareHandlers(), ...this.#userHandlers(), ...this.#groupHandlers() };
  }

  #shareHandlers(): Handlers {
    return {
      'Get-SmbShare': () => [...this.shares.values()].map(({ object }) => object),
      'Get-SmbShareAccess': (bound) =>
        bound.texts('Name').flatMap((name) => {
          const found = this.shares.get(name);
          if (found === undefined) throw queryNotFound('Name', name);
          return found.access.map(({ account, right }) => ({
            ...{ Name: name, AccountName: `${this.computerName}\\${account}` },
            ...{ AccessControlType: 'Allow', AccessRight: right },
          }));
        }),
      'New-SmbShare': (bound) => {
        const name = bound.text('Name');
        if ([...this.shares.keys()].some((each) => each.toLowerCase() === name.toLowerCase()))
          throw alreadyExists(name);
        const access = (['Read', 'Change', 'Full'] as const).flatMap((right) =>
          bound.texts(`${right}Access`).map((account) => ({ account, right })),
        );
        for (const { account } of access) this.#user(account);
        const object = {
          ...{ Name: name, Path: bound.text('Path'), Description: bound.optionalText('Description') },
          CachingMode: bound.optionalText('CachingMode') ?? 'Manual',
          FolderEnumerationMode: bound.optionalText('FolderEnumerationMode') ?? 'Unrestricted',
        };
        this.shares.set(name, { object, access });
        return [object];
      },
      'Remove-SmbShare': (bound) => {
        for (const name of bound.texts('Name'))
          if (!this.shares.delete(name)) throw queryNotFound('Name', name);
        return [];
      },
    };
  }

  #userHandlers(): Handlers {
    return {
      'Get-LocalUser': (bound) => bound.texts('Name').map((name) => this.#user(name)),
      'New-LocalUser': (bound) => {
        const name = bound.text('Name');
        if (this.users.has(name)) throw alreadyExists(name);
        if ((bound.optionalText('Description') ?? '').length > 48) throw tooLong('Description');
        this.passwords.set(name, bound.text('Password'));
        const user = {
          ...{ Name: name, Enabled: true, PrincipalSource: 'Local', PasswordLastSet: '2024-01-02T00:00:00Z' },
          ...{ Description: bound.optionalText('Description'), Groups: [] },
        };
        this.users.set(name, user);
        return [user];
      },
      'Set-LocalUser': (bound) => {
        this.#user(bound.text('Name'));
        if (bound.has('Password')) this.passwords.set(bound.text('Name'), bound.text('Password'));
        return [];
      },
      'Remove-LocalUser': (bound) => {
        for (const name of bound.texts('Name')) {
          this.#user(name);
          this.users.delete(name);
          this.passwords.delete(name);
        }
        return [];
      },
    };
  }

  #groupHandlers(): Handlers {
    return {
      'New-LocalGroup': (bound) => {
        const name = bound.text('Name');
        if (this.groups.has(name)) throw alreadyExists(name);
        if ((bound.optionalText('Description') ?? '').length > 256) throw tooLong('Description');
        const group = { Name: name, Description: bound.optionalText('Description') };
        this.groups.set(name, group);
        return [group];
      },
    };
  }

  #user(name: string): HostObject {
    const found = this.users.get(name);
    if (found === undefined) throw notFound(name);
    return found;
  }
}

function tooLong(parameter: string): HostFailure {
  return new HostFailure({
    ...{ errorId: 'ParameterArgumentValidationError', category: 'InvalidData', hresult: 0 },
    message: `Das Argument für „${parameter}“ ist zu lang.`,
  });
}
