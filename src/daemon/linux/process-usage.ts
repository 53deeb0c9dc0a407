import { readFileIfPresent } from '../../core/host/index.js';
import { errnoOf } from '../../core/values/index.js';
import { processUsage, type ProcessUsage } from './process-usage.plan.js';

/** What the process uses that has written its id to the file; undefined if there is none. */
export async function usageOfProcess(pidFile: string): Promise<ProcessUsage | undefined> {
  const pid = Number((await readFileIfPresent(pidFile))?.trim() ?? Number.NaN);
  if (!Number.isInteger(pid)) return undefined;
  try {
    const [stat, status] = await Promise.all([
      readFileIfPresent(`/proc/${pid}/stat`),
      readFileIfPresent(`/proc/${pid}/status`),
    ]);
    return stat === undefined || status === undefined ? undefined : processUsage(stat, status);
  } catch (error) {
    // It has ended between open and read.
    if (errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}
