import { fileLedger } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { InstancePaths } from '../../protocol/paths.js';
import { shareListFile } from '../../share/index.js';
import { identityFile } from '../identity.js';
import { setAsideStateFiles } from '../state-files.js';
import { notice, problem, type Finding } from './finding.js';

type Paths = Pick<InstancePaths, 'stateDir' | 'identityFile' | 'ledgerFile' | 'sharesFile'>;

/** State files that cannot be read, and those that were set aside for it; none if all is well. */
export async function stateFilesFindings(paths: Paths): Promise<readonly Finding[]> {
  const named = { id: 'state-files', title: 'State files' };
  const kept = (await setAsideStateFiles(paths.stateDir)).map(({ path, keptAs, lost }) => ({
    ...named,
    ...notice(
      `${path} could not be read and was set aside as ${keptAs}`,
      `${lost} Delete ${keptAs} when you no longer need it.`,
    ),
  }));
  const reads = [
    () => identityFile(paths.identityFile).read(),
    () => fileLedger(paths.ledgerFile).list(),
    () => shareListFile(paths.sharesFile).read(),
  ];
  const refused = await Promise.all(
    reads.map((read) =>
      read().then(
        () => undefined,
        (error: unknown) => error,
      ),
    ),
  );
  // What only root may read says nothing.
  const unreadable = refused.filter((error) => error instanceof MobyvmError);
  return [
    ...unreadable.map((error) => ({ ...named, ...problem(textOf(error).replace(/\.$/, ''), error.remedy) })),
    ...kept,
  ];
}
