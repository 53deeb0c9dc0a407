import { HRESULT_DEVICE_NOT_READY } from '../wire/hv-status.js';
import type { WmiResult } from './wmi-kvp.js';

export type WmiOutcome =
  | { readonly kind: 'done' }
  /** A name exists that was to be added, or is missing that was to be modified or removed. */
  | { readonly kind: 'conflict' }
  /** No KVP service answers in the guest yet. */
  | { readonly kind: 'not-ready' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'failed'; readonly reason: string };

const DONE = 0;
const JOB_STARTED = 4_096;
const JOB_COMPLETED = 7;
const ACCESS_DENIED = 32_769;
const INVALID_PARAMETER = 32_773;
/** Since builds of Windows 10 a missing key is "not available" where it was "invalid parameter". */
const NOT_AVAILABLE = 32_779;
const E_ACCESS_DENIED = 0x8007_0005;

/** Decides on codes alone; the texts that come with them are in the language of the system. */
export function outcomeOf(result: WmiResult): WmiOutcome {
  const codes = [result.jobHResult, result.jobError, result.returnValue].flatMap((code) =>
    code === undefined ? [] : [code >>> 0],
  );
  if (codes.includes(HRESULT_DEVICE_NOT_READY)) return { kind: 'not-ready' };
  if (isDone(result)) return { kind: 'done' };
  if (codes.includes(ACCESS_DENIED) || codes.includes(E_ACCESS_DENIED)) return { kind: 'denied' };
  if (codes.includes(INVALID_PARAMETER) || codes.includes(NOT_AVAILABLE)) return { kind: 'conflict' };
  return { kind: 'failed', reason: reasonOf(result) };
}

function isDone({ returnValue, jobState, jobError }: WmiResult): boolean {
  if (returnValue === DONE) return true;
  return returnValue === JOB_STARTED && jobState === JOB_COMPLETED && (jobError ?? 0) === 0;
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
  [32_768, 'failed'],
  [32_770, 'not supported'],
  [32_771, 'status unknown'],
  [32_772, 'timeout'],
  [32_774, 'system is in use'],
  [32_775, 'invalid state'],
  [32_776, 'incorrect data type'],
  [32_778, 'out of memory'],
]);
