import { HResult, JOB_COMPLETED, WmiReturn } from '../../core/values/index.js';
import type { WmiResult } from './wmi-kvp.js';

export type WmiOutcome =
  | { readonly kind: 'done' }
  /** A name to add exists already, or a name to modify or remove does not exist. */
  | { readonly kind: 'conflict' }
  /** No KVP service is running in the guest yet. */
  | { readonly kind: 'not-ready' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Decided by codes alone: the texts that come with them are localised. */
export function outcomeOf(result: WmiResult): WmiOutcome {
  const codes = [result.jobHResult, result.jobError, result.returnValue].flatMap((code) =>
    code === undefined ? [] : [code >>> 0],
  );
  if (codes.includes(HResult.deviceNotReady)) return { kind: 'not-ready' };
  if (isDone(result)) return { kind: 'done' };
  if (codes.includes(WmiReturn.accessDenied) || codes.includes(HResult.accessDenied))
    return { kind: 'denied' };
  // Since some build of Windows 10, a missing name is "not available" instead of "invalid parameter".
  if (codes.includes(WmiReturn.invalidParameter) || codes.includes(WmiReturn.notAvailable))
    return { kind: 'conflict' };
  return { kind: 'failed', reason: reasonOf(result) };
}

function isDone({ returnValue, jobState, jobError }: WmiResult): boolean {
  if (returnValue === WmiReturn.completed) return true;
  return returnValue === WmiReturn.jobStarted && jobState === JOB_COMPLETED && (jobError ?? 0) === 0;
}

function reasonOf({ returnValue, jobState, jobError, jobHResult }: WmiResult): string {
  const name = RETURN_VALUES.get(jobError ?? returnValue) ?? RETURN_VALUES.get(returnValue);
  const parts = [
    name ?? `code ${returnValue}`,
    ...(jobState === undefined
      ? []
      : [jobState < JOB_COMPLETED ? 'the job has not ended' : `job state ${jobState}`]),
    ...(jobError === undefined ? [] : [`job error ${jobError}`]),
    ...(jobHResult === undefined ? [] : [`0x${(jobHResult >>> 0).toString(16).padStart(8, '0')}`]),
  ];
  return parts.join(', ');
}

const RETURN_VALUES = new Map<number, string>([
  [WmiReturn.failed, 'failed'],
  [WmiReturn.notSupported, 'not supported'],
  [WmiReturn.statusUnknown, 'status unknown'],
  [WmiReturn.timeout, 'timeout'],
  [WmiReturn.systemInUse, 'system is in use'],
  [WmiReturn.invalidState, 'invalid state'],
  [WmiReturn.incorrectDataType, 'incorrect data type'],
  [WmiReturn.outOfMemory, 'out of memory'],
]);
