import { open, readdir, readFile, stat } from 'node:fs/promises';
import { errnoOf } from '../../core/values/index.js';
import { consoleLogFiles, daemonLogFiles, type InstancePaths } from '../../protocol/paths.js';
import type { Evidence, Probe, ProbeGroup } from './probe.js';

const KIB = 1024;
/** More of a log is rarely read, and the bundle has to fit into a message. */
const LOG_BYTES = 2048 * KIB;
const STATE_BYTES = 256 * KIB;
const SECONDS = 10;
const MAX_LISTED = 500;

/** Files that mobyvm wrote, as they are: one that is damaged is evidence. Never those that hold secrets. */
export function fileProbes(
  paths: InstancePaths,
  join: (...parts: readonly string[]) => string,
): readonly Probe[] {
  const [earlier = '', earliest = ''] = daemonLogFiles(paths).earlier;
  const [consoleBefore = ''] = consoleLogFiles(paths).earlier;
  return [
    file(['machine-id', 'Identity of the machine', 'files'], paths.identityFile, STATE_BYTES),
    file(['ledger', 'What mobyvm created on this host', 'files'], paths.ledgerFile, STATE_BYTES),
    file(['shares-file', 'List of shares', 'shares'], paths.sharesFile, STATE_BYTES),
    file(['lock', 'Which process is the daemon', 'files'], paths.lockFile, STATE_BYTES),
    file(['instance', 'Where the daemon runs', 'files'], join(paths.runDir, 'instance.json'), STATE_BYTES),
    folder('vm-files', 'Files of the VM', 'vm', paths.vmStateDir),
    records('vm-records', 'Definition and process of the VM', paths.vmStateDir, join),
    folder('state-folder', 'State folder', 'files', paths.stateDir),
    folder('run-folder', 'Run folder', 'files', paths.runDir),
    folder('log-folder', 'Log folder', 'files', paths.logDir),
    folder('image-folder', 'Folder of the boot image', 'files', paths.imageDir),
    file(['daemon-log', "The daemon's log", 'logs'], paths.daemonLog, LOG_BYTES),
    file(['daemon-log-1', 'The log before that', 'logs'], earlier, LOG_BYTES),
    file(['daemon-log-2', 'The oldest log', 'logs'], earliest, LOG_BYTES / 4),
    file(['daemon-output', "Output of the daemon's process", 'logs'], paths.daemonOutput, STATE_BYTES),
    file(['console', "The VM's console", 'logs'], paths.consoleLog, LOG_BYTES),
    file(['console-1', 'The console before that', 'logs'], consoleBefore, LOG_BYTES / 4),
  ];
}

type Named = readonly [id: string, title: string, group: ProbeGroup];

/** The end of a file. */
export function file([id, title, group]: Named, path: string, maxBytes: number): Probe {
  return { id, title, group, seconds: SECONDS, look: () => endOf(path, maxBytes) };
}

async function endOf(path: string, maxBytes: number): Promise<Evidence> {
  try {
    await using opened = await open(path, 'r');
    const { size } = await opened.stat();
    const from = Math.max(0, size - maxBytes);
    const { buffer, bytesRead } = await opened.read(
      Buffer.alloc(Math.min(size, maxBytes) || maxBytes),
      0,
      null,
      from,
    );
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    return { text: from === 0 ? text : `(the last ${maxBytes} of ${size} bytes of ${path})\n${text}` };
  } catch (error) {
    return orAbsent(path, error);
  }
}

function folder(id: string, title: string, group: ProbeGroup, path: string): Probe {
  return {
    id,
    title,
    group,
    seconds: SECONDS,
    look: async () => {
      try {
        const names = (await readdir(path)).sort();
        const lines = await Promise.all(names.slice(0, MAX_LISTED).map((name) => entryLine(path, name)));
        const rest = names.length - lines.length;
        return { text: [`${path}:`, ...lines, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n') };
      } catch (error) {
        return orAbsent(path, error);
      }
    },
  };
}

async function entryLine(parent: string, name: string): Promise<string> {
  const found = await stat(`${parent}/${name}`).catch(() => undefined);
  if (found === undefined) return `?  ${name}`;
  const mode = (found.mode & 0o7777).toString(8).padStart(4, '0');
  const kind = found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other';
  return `${mode} uid ${found.uid} ${kind.padEnd(6)} ${String(found.size).padStart(12)} ${found.mtime.toISOString()} ${name}`;
}

/** The JSON files in the VM's folder. */
function records(
  id: string,
  title: string,
  path: string,
  join: (...parts: readonly string[]) => string,
): Probe {
  return {
    id,
    title,
    group: 'vm',
    seconds: SECONDS,
    look: async () => {
      try {
        const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
        const texts = await Promise.all(
          names.map(
            async (name) => `${name}:\n${(await readFile(join(path, name), 'utf8')).slice(0, STATE_BYTES)}`,
          ),
        );
        return texts.length === 0 ? { absent: `${path} has none` } : { text: texts.join('\n\n') };
      } catch (error) {
        return orAbsent(path, error);
      }
    },
  };
}

function orAbsent(path: string, error: unknown): Evidence {
  if (errnoOf(error) !== 'ENOENT') throw error;
  return { absent: `${path} does not exist` };
}
