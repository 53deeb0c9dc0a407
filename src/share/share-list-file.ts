import { StateFile } from '../core/host/index.js';
import { shareFile, type ShareFile } from './share-entry.js';

/** The list of shares as it is kept: without it containers would lose their files, so it is refused if it is damaged. */
export function shareListFile(path: string): StateFile<ShareFile> {
  const remedy = `Delete ${path} to start without shares, then add them again.`;
  return new StateFile({ path, schema: shareFile, remedy });
}
