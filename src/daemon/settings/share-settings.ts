import { z } from 'zod';
import { MAX_FILE_ID, OCTAL_MODE, parseOctalMode } from '../../core/values/index.js';
import type { FileOwner } from '../../share/index.js';

/** Permission bits in octal. */
const mode = z.string().regex(OCTAL_MODE, 'must be three octal digits, such as "0755"');

export const shareSettings = z.strictObject({
  fileEvents: z
    .boolean()
    .default(true)
    .describe(
      'Whether changes on the host reach programs in containers that watch files in shared folders (inotify).',
    ),
  uid: z
    .int()
    .min(0)
    .max(MAX_FILE_ID)
    .default(0)
    .describe('Owner of the files in shared folders, as containers see it.'),
  gid: z
    .int()
    .min(0)
    .max(MAX_FILE_ID)
    .default(0)
    .describe('Group of the files in shared folders, as containers see it.'),
  fileMode: mode
    .default('0777')
    .describe(
      'Permissions of the files in shared folders, in octal. Whatever they are, everyone in the VM has access.',
    ),
  directoryMode: mode.default('0777').describe('Permissions of the folders in shared folders, in octal.'),
});

/** How the settings make files look in the VM. */
export function fileOwner({ uid, gid, fileMode, directoryMode }: z.infer<typeof shareSettings>): FileOwner {
  return { uid, gid, fileMode: parseOctalMode(fileMode), directoryMode: parseOctalMode(directoryMode) };
}
