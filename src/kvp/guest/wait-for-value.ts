import { waitFor, type Requirement } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';

/** Polls like `waitFor`, until `look` finds something, and gives that. */
export async function waitForValue<T>(
  requirement: Omit<Requirement, 'check'>,
  look: (signal: AbortSignal) => Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T> {
  let found: T | undefined;
  let reason: Error | undefined;
  const check = async (checkSignal: AbortSignal): Promise<boolean> => {
    try {
      found = await look(checkSignal);
      reason = undefined;
      return found !== undefined;
    } catch (error) {
      // The deadline cut this look short: the error of the one before it is the reason.
      if (checkSignal.aborted && reason !== undefined) throw reason;
      if (error instanceof Error) reason = error;
      throw error;
    }
  };
  await waitFor({ ...requirement, check }, signal);
  if (found === undefined)
    throw new MobyvmError('MOBYVM_BUG', `Waited for ${requirement.title}, found nothing.`, '');
  return found;
}
