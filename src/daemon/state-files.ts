import { join } from 'node:path';
import { setAsideIn, type SetAside } from '../core/host/index.js';

/** A state file, and what happens if it cannot be read: its content makes no sense, or is cut off. docs/files.md has the same. */
export interface StateFileRule {
  /** Below the state folder. */
  readonly file: string;
  readonly ifUnreadable: string;
  /** What is lost if it is set aside, and what to do, as a full sentence. */
  readonly lost?: string;
}

export const STATE_FILES: readonly StateFileRule[] = [
  {
    file: 'machine.json',
    ifUnreadable: 'rebuilt from `vm/definition.json`; refused if that cannot be read either',
    lost: 'The identity was taken from the definition of the VM, so nothing is lost.',
  },
  { file: 'ledger.json', ifUnreadable: 'refused: what it lists could not be removed any more' },
  {
    file: 'guest.json',
    ifUnreadable: 'set aside; a VM that is saved is shut down and booted, one that runs is not saved',
    lost: 'The VM cannot be resumed until it has been started again.',
  },
  { file: 'tls/', ifUnreadable: 'replaced by new keys; a VM that runs gets them with `mobyvm restart`' },
  { file: 'token', ifUnreadable: 'replaced; a VM that runs gets the new one with `mobyvm restart`' },
  { file: 'dashboard.json', ifUnreadable: 'replaced; open pages have to be opened again' },
  {
    file: 'kvp-items.json',
    ifUnreadable: 'set aside; the items have to be set again',
    lost: 'Set the items of `mobyvm kvp set` again.',
  },
  {
    file: 'shares.json',
    ifUnreadable: 'refused: containers would lose their files; delete it to start without shares',
  },
  {
    file: 'credentials.json',
    ifUnreadable: "set aside; passwords of the user's accounts have to be entered again",
    lost: 'Enter the passwords of shares again (`mobyvm share set-credentials`); those of mobyvm itself are made again.',
  },
  {
    file: 'vm/definition.json',
    ifUnreadable: 'set aside, and made again from the settings',
    lost: 'The definition was made again from the settings, so nothing is lost.',
  },
  { file: 'last-image/last-image.json', ifUnreadable: 'ignored: the image is kept again at the next start' },
  { file: 'vm/machine.json', ifUnreadable: "replaced: the VM's process is found by its arguments" },
  {
    file: 'vm/saved.json',
    ifUnreadable:
      'the saved memory is discarded and the VM boots; what its programs had not written to the disk is lost, as after a power failure',
  },
  { file: 'vm/memory.saved', ifUnreadable: 'likewise' },
  { file: 'vm/uefi-variables.fd', ifUnreadable: 'not checked; made again if deleted while the VM is off' },
  {
    file: 'vm/started.json',
    ifUnreadable: 'set aside; `up` cannot tell which settings the running VM does not follow yet',
    lost: 'Until the next start `mobyvm up` cannot tell which settings the VM does not follow yet.',
  },
  { file: 'vm/vm.json', ifUnreadable: 'replaced: the VM is found by its notes' },
];

const FOLDERS = ['', 'vm'];

/** A file that was set aside, with what is lost by it. */
export interface SetAsideStateFile extends SetAside {
  /** The path that the file had. */
  readonly path: string;
  readonly lost: string;
}

/** What was set aside in a state folder and has not been deleted since. */
export async function setAsideStateFiles(stateDir: string): Promise<readonly SetAsideStateFile[]> {
  const found = await Promise.all(
    FOLDERS.map(async (folder) => {
      const directory = join(stateDir, folder);
      return (await setAsideIn(directory)).map((each) => ({
        ...each,
        path: join(directory, each.name),
        lost:
          STATE_FILES.find(({ file }) => file === `${folder === '' ? '' : `${folder}/`}${each.name}`)?.lost ??
          '',
      }));
    }),
  );
  return found.flat();
}

/** Says of each file once that it was set aside. */
export function setAsideMessages(stateDir: string): () => Promise<readonly string[]> {
  const said = new Set<string>();
  return async () => {
    const unsaid = (await setAsideStateFiles(stateDir)).filter(({ keptAs }) => !said.has(keptAs));
    for (const { keptAs } of unsaid) said.add(keptAs);
    return unsaid.map(
      ({ path, keptAs, lost }) =>
        `${path} could not be read and was set aside as ${keptAs}. ${lost} Delete it when you no longer need it.`,
    );
  };
}
