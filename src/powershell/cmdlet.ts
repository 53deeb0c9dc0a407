import { MobyvmError } from '../core/values/index.js';
import type { CmdletCall, Guid, Hashtable, Hidden, ParameterValue, Secret } from './call.js';
import type { CmdletName, ParametersOf } from './cmdlets/index.js';

/**
 * A call of a cmdlet; nothing happens yet. The compiler rejects names and values that the cmdlet does not
 * have.
 */
export function cmdlet<Name extends CmdletName>(
  name: Name,
  parameters: ParametersOf<Name> = {},
): CmdletCall & { readonly cmdlet: Name } {
  return { cmdlet: name, parameters: parameters as Readonly<Record<string, ParameterValue>> };
}

/** @throws MobyvmError MOBYVM_BUG unless it is 8-4-4-4-12 hexadecimal digits, with or without braces */
export function guid(text: string): Guid {
  const [, digits] = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i.exec(text) ?? [];
  if (digits === undefined) throw new MobyvmError('MOBYVM_BUG', `"${text}" is not a GUID.`, '');
  return { guid: digits.toLowerCase() };
}

/** A password. It becomes a SecureString, and its text is in no command, log or argument list. */
export function secret(text: string): Secret {
  return { secret: text };
}

/** Text that no log or record of commands contains, for cmdlets that accept only plain text. */
export function hidden(text: string): Hidden {
  return { hidden: text };
}

export function hashtable(table: Readonly<Record<string, ParameterValue>>): Hashtable {
  return { table };
}
