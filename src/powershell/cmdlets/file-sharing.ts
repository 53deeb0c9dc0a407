import type { CmdletTable } from './kinds.js';

/** Shares and their accounts: modules SmbShare, Microsoft.PowerShell.LocalAccounts. */
export const FILE_SHARING = {
  'New-SmbShare': {
    module: 'SmbShare',
    confirms: true,
    parameters: {
      CachingMode: ['None', 'Manual', 'Documents', 'Programs', 'BranchCache', 'Unknown'],
      ChangeAccess: 'texts',
      ConcurrentUserLimit: 'number',
      Description: 'text',
      EncryptData: 'boolean',
      FolderEnumerationMode: ['AccessBased', 'Unrestricted'],
      FullAccess: 'texts',
      Name: 'text',
      NoAccess: 'texts',
      Path: 'text',
      ReadAccess: 'texts',
      Temporary: 'switch',
    },
    sets: {
      all: 'Temporary Description ConcurrentUserLimit FolderEnumerationMode CachingMode FullAccess ChangeAccess ReadAccess NoAccess Path! Name! EncryptData',
    },
  },
  'Get-SmbShare': {
    module: 'SmbShare',
    confirms: false,
    parameters: {
      IncludeHidden: 'switch',
      Name: 'texts',
      Special: 'boolean',
    },
    sets: {
      all: 'Name Special IncludeHidden',
    },
  },
  'Set-SmbShare': {
    module: 'SmbShare',
    confirms: true,
    parameters: {
      CachingMode: ['None', 'Manual', 'Documents', 'Programs', 'BranchCache', 'Unknown'],
      ConcurrentUserLimit: 'number',
      Description: 'text',
      EncryptData: 'boolean',
      FolderEnumerationMode: ['AccessBased', 'Unrestricted'],
      Force: 'switch',
      InputObject: 'objects',
      Name: 'texts',
      PassThru: 'switch',
    },
    input: ['InputObject'],
    sets: {
      Query:
        'Name! Description ConcurrentUserLimit FolderEnumerationMode CachingMode EncryptData Force PassThru',
      InputObject:
        'InputObject! Description ConcurrentUserLimit FolderEnumerationMode CachingMode EncryptData Force PassThru',
    },
  },
  'Remove-SmbShare': {
    module: 'SmbShare',
    confirms: true,
    parameters: {
      Force: 'switch',
      InputObject: 'objects',
      Name: 'texts',
      PassThru: 'switch',
    },
    input: ['InputObject'],
    sets: {
      Query: 'Name! Force PassThru',
      InputObject: 'InputObject! Force PassThru',
    },
  },
  'Grant-SmbShareAccess': {
    module: 'SmbShare',
    confirms: true,
    parameters: {
      AccessRight: ['Full', 'Change', 'Read'],
      AccountName: 'texts',
      Force: 'switch',
      InputObject: 'objects',
      Name: 'texts',
    },
    input: ['InputObject'],
    sets: {
      Query: 'Name! AccountName AccessRight Force',
      'InputObject (cdxml)': 'InputObject! AccountName AccessRight Force',
    },
  },
  'Get-SmbShareAccess': {
    module: 'SmbShare',
    confirms: true,
    parameters: {
      InputObject: 'objects',
      Name: 'texts',
    },
    input: ['InputObject'],
    sets: {
      'Query (cdxml)': 'Name!',
      'InputObject (cdxml)': 'InputObject!',
    },
    defaultSet: 'Query (cdxml)',
  },
  'Revoke-SmbShareAccess': {
    module: 'SmbShare',
    confirms: true,
    parameters: {
      AccountName: 'texts',
      Force: 'switch',
      InputObject: 'objects',
      Name: 'texts',
    },
    input: ['InputObject'],
    sets: {
      Query: 'Name! AccountName Force',
      'InputObject (cdxml)': 'InputObject! AccountName Force',
    },
  },
  'New-LocalUser': {
    module: 'Microsoft.PowerShell.LocalAccounts',
    confirms: true,
    parameters: {
      AccountExpires: 'date',
      AccountNeverExpires: 'switch',
      Description: 'text',
      Disabled: 'switch',
      FullName: 'text',
      Name: 'text',
      NoPassword: 'switch',
      Password: 'secret',
      PasswordNeverExpires: 'switch',
      UserMayNotChangePassword: 'switch',
    },
    sets: {
      Password:
        'AccountExpires AccountNeverExpires Description Disabled FullName Name! Password! PasswordNeverExpires UserMayNotChangePassword',
      NoPassword:
        'AccountExpires AccountNeverExpires Description Disabled FullName Name! NoPassword! UserMayNotChangePassword',
    },
    defaultSet: 'Password',
  },
  'Get-LocalUser': {
    module: 'Microsoft.PowerShell.LocalAccounts',
    confirms: false,
    parameters: {
      Name: 'texts',
      SID: 'texts',
    },
    sets: {
      Default: 'Name',
      SecurityIdentifier: 'SID',
    },
    defaultSet: 'Default',
  },
  'Set-LocalUser': {
    module: 'Microsoft.PowerShell.LocalAccounts',
    confirms: true,
    parameters: {
      AccountExpires: 'date',
      AccountNeverExpires: 'switch',
      Description: 'text',
      FullName: 'text',
      InputObject: 'object',
      Name: 'text',
      Password: 'secret',
      PasswordNeverExpires: 'boolean',
      SID: 'text',
      UserMayChangePassword: 'boolean',
    },
    input: ['InputObject'],
    sets: {
      Name: 'AccountExpires AccountNeverExpires Description FullName Name! Password PasswordNeverExpires UserMayChangePassword',
      InputObject:
        'AccountExpires AccountNeverExpires Description FullName InputObject! Password PasswordNeverExpires UserMayChangePassword',
      SecurityIdentifier:
        'AccountExpires AccountNeverExpires Description FullName Password PasswordNeverExpires SID! UserMayChangePassword',
    },
    defaultSet: 'Name',
  },
  'Remove-LocalUser': {
    module: 'Microsoft.PowerShell.LocalAccounts',
    confirms: true,
    parameters: {
      InputObject: 'objects',
      Name: 'texts',
      SID: 'texts',
    },
    input: ['InputObject'],
    sets: {
      InputObject: 'InputObject!',
      Default: 'Name!',
      SecurityIdentifier: 'SID!',
    },
  },
  'New-LocalGroup': {
    module: 'Microsoft.PowerShell.LocalAccounts',
    confirms: true,
    parameters: {
      Description: 'text',
      Name: 'text',
    },
    sets: {
      all: 'Description Name!',
    },
  },
} as const satisfies CmdletTable;
