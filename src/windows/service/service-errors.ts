import { MobyvmError } from '../../core/values/index.js';
import type { WindowsCallError } from '../windows-call-error.js';
import { SERVICE_ERROR } from './service-codes.js';

/** @param what completes "The service could not be …" */
export function serviceCallError(what: string, error: WindowsCallError): MobyvmError {
  if (error.windowsCode === SERVICE_ERROR.accessDenied)
    return new MobyvmError(
      'MOBYVM_NOT_ROOT',
      `The service could not be ${what}: access denied.`,
      'Run the command from an elevated prompt ("Run as administrator").',
      { cause: error },
    );
  return new MobyvmError(
    'MOBYVM_SERVICE',
    `The service could not be ${what}: ${error.message}`,
    remedyFor(error.windowsCode),
    { cause: error, details: { call: error.call, windowsCode: error.windowsCode } },
  );
}

function remedyFor(code: number): string {
  switch (code) {
    case SERVICE_ERROR.disabled:
      return 'It is disabled. Run `mobyvm service install`, which enables it again.';
    case SERVICE_ERROR.markedForDelete:
      return 'It is being deleted. Close the "Services" window and the event viewer, then retry.';
    default:
      return 'See the event logs "System" and "Application".';
  }
}

export function notInstalledError(name: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SERVICE',
    `The service "${name}" is not installed.`,
    'Run `mobyvm service install` from an elevated prompt ("Run as administrator").',
  );
}

export function notStoppedError(name: string, seconds: number): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SERVICE',
    `The service "${name}" has not stopped after ${seconds} s.`,
    'See `mobyvm logs`. If the daemon hangs, end its process: the VM and its containers keep running.',
  );
}
