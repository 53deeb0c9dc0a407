import { command } from './command.js';
import { shareAdd } from './share.js';
import { validOwner } from './valid-options.js';

export const shareAddCommand = command({
  name: 'share add',
  args: '<name>',
  summary: 'Share a drive or folder of this host with the VM',
  details:
    'On Linux a letter stands for any folder, so that compose files with Windows paths work, and a full path is shared as itself. Works while the VM is off, too. A password for --user is asked for on a terminal, and otherwise read from standard input. Without --uid, --gid, --file-mode and --dir-mode its files look as the settings of "share" say.',
  positionals: {
    name: {
      type: 'string',
      demandOption: true,
      describe: 'Drive letter, such as C, or full path of a folder',
    },
  },
  options: {
    path: { type: 'string', requiresArg: true, describe: 'Folder that the letter stands for' },
    'read-only': { type: 'boolean', default: false, describe: 'Containers cannot change anything in it' },
    user: {
      type: 'string',
      requiresArg: true,
      describe: "Account of this host whose rights containers have; by default mobyvm's own",
    },
    'password-file': {
      type: 'string',
      requiresArg: true,
      describe: "File with the account's password on its first line",
    },
    uid: { type: 'number', requiresArg: true, describe: 'Owner of its files, as containers see it' },
    gid: { type: 'number', requiresArg: true, describe: 'Group of its files, as containers see it' },
    'file-mode': { type: 'string', requiresArg: true, describe: 'Permissions of its files, in octal' },
    'dir-mode': { type: 'string', requiresArg: true, describe: 'Permissions of its folders, in octal' },
  },
  examples: [
    ['mobyvm share add C', 'Share drive C (Windows)'],
    ['mobyvm share add C --path /home/me/site', 'Share a folder as drive C (Linux)'],
    ['mobyvm share add /home/me/src', 'Share a folder at the same path (Linux)'],
  ],
  run: (context, { name, path, user, ...options }) =>
    shareAdd(context, {
      name,
      path,
      user,
      isReadOnly: options['read-only'],
      passwordFile: options['password-file'],
      owner: validOwner({
        uid: options.uid,
        gid: options.gid,
        fileMode: options['file-mode'],
        directoryMode: options['dir-mode'],
      }),
    }),
});
