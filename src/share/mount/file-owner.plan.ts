import type { FileOwner, OwnerChoice } from '../share.js';

/** What the share chose; where it chose nothing, what the settings say. */
export function ownerOf(chosen: OwnerChoice | undefined, settings: FileOwner): FileOwner {
  return {
    uid: chosen?.uid ?? settings.uid,
    gid: chosen?.gid ?? settings.gid,
    fileMode: chosen?.fileMode ?? settings.fileMode,
    directoryMode: chosen?.directoryMode ?? settings.directoryMode,
  };
}
