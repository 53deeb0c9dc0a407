import { MobyvmError } from '../../core/values/index.js';
import { ERROR } from '../error-codes.js';
import { WindowsCallError } from '../windows-call-error.js';
import { pipeNameProblem } from './pipe-access.plan.js';
import type { PipeOwner } from './pipe-system.js';

export function pipeInUseError(name: string, owner: PipeOwner | undefined): MobyvmError {
  const program = owner === undefined ? 'another program' : `${owner.program} (pid ${owner.pid})`;
  return new MobyvmError(
    'MOBYVM_ENDPOINT_IN_USE',
    `"${name}" is in use by ${program}.`,
    'Stop that program. A pipe also stays in use while a client of its former server keeps it open.',
    { details: { path: name, ...owner } },
  );
}

/** @throws MobyvmError MOBYVM_SETTINGS, MOBYVM_FOREIGN_OBJECT */
export function assertPipeName(name: string): void {
  const problem = pipeNameProblem(name);
  if (problem === undefined) return;
  if (problem === 'too long')
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `The name of the pipe "${name}" is too long: ${name.length} characters, at most 256 are allowed.`,
      'Choose a shorter name for it.',
      { details: { path: name, length: name.length } },
    );
  throw new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `"${name}" is not the name of a local named pipe.`,
    String.raw`Choose a name like \\.\pipe\mobyvm_engine.`,
    { details: { path: name } },
  );
}

/** What a failed call means for the user; anything unexpected keeps the call's error as its cause. */
export function pipeCallError(name: string, thrown: unknown): unknown {
  if (!(thrown instanceof WindowsCallError)) return thrown;
  const details = { path: name, call: thrown.call, windowsCode: thrown.windowsCode };
  if (thrown.windowsCode === ERROR.accessDenied)
    return new MobyvmError(
      'MOBYVM_NOT_ROOT',
      `Access to the pipe "${name}" was denied.`,
      'Run mobyvm as an administrator.',
      { cause: thrown, details },
    );
  return new MobyvmError('MOBYVM_BUG', `The pipe "${name}" could not be created: ${thrown.message}`, '', {
    cause: thrown,
    details,
  });
}
