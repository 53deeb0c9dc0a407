import { arch, cpus, freemem, hostname, release, totalmem, type as systemType, uptime } from 'node:os';
import { readBytesIfPresent } from '../../core/host/index.js';
import { decodeUserText } from '../../core/values/index.js';
import { version } from '../../protocol/version.js';
import type { DaemonContext } from '../daemon-context.js';
import { daemonLock } from '../daemon-context.js';
import { leftoversIn } from '../leftovers.js';
import { fileLedger } from '../../core/host/index.js';
import { savedSince } from '../machine/guest-record.js';
import { loadSettings } from '../settings/load.js';
import type { Evidence, Probe } from './probe.js';

const SECONDS = 10;
const MAX_SETTINGS_BYTES = 1024 * 1024;
/** Variables that change what mobyvm and Docker's clients do; their values may name accounts, which are masked. */
const VARIABLES = /^(?:MOBYVM_|DOCKER_|COMPOSE_|(?:HTTPS?|NO|ALL|FTP)_PROXY$|LANG$|LC_ALL$|PATH$|TZ$|NODE_)/i;

/** What this program knows without asking anything else. */
export function ownProbes(context: DaemonContext): readonly Probe[] {
  return [
    own('versions', 'Versions', () => versions(context)),
    own('environment', 'Environment', () => environment(context)),
    own('daemon-process', "The daemon's process", () => daemonProcess(context)),
    own('settings', 'Settings', () => settings(context)),
    own('daemon-json', 'daemon.json of the engine', () => daemonJson(context)),
  ];
}

function own(id: string, title: string, look: () => Evidence | Promise<Evidence>): Probe {
  return { id, title, group: 'summary', seconds: SECONDS, look: () => Promise.resolve().then(look) };
}

function versions({ platform, self }: DaemonContext): Evidence {
  const [program] = self;
  return {
    data: {
      mobyvm: version,
      node: process.version,
      program,
      platform,
      system: `${systemType()} ${release()} ${arch()}`,
      host: hostname(),
      processors: cpus().length,
      memoryMiB: Math.floor(totalmem() / 1024 ** 2),
      freeMemoryMiB: Math.floor(freemem() / 1024 ** 2),
      hostUptimeSeconds: Math.floor(uptime()),
      now: new Date().toISOString(),
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    },
  };
}

async function environment({ env, paths, rights }: DaemonContext): Promise<Evidence> {
  const variables = Object.entries(env).filter(([name]) => VARIABLES.test(name));
  return { data: { hasRights: await rights.areHeld(), paths, variables: Object.fromEntries(variables) } };
}

async function daemonProcess(context: DaemonContext): Promise<Evidence> {
  const { paths, processes } = context;
  const holder = await daemonLock(context).holder();
  const isAlive =
    holder !== undefined && (await processes.isAlive({ pid: holder.pid, startId: holder.startTime }));
  const savedVm = await savedSince(paths.guestRecordFile);
  const leftovers = leftoversIn(await fileLedger(paths.ledgerFile).list(), savedVm !== undefined);
  return { data: { holder: holder ?? null, isAlive, leftovers, savedVm: savedVm ?? null } };
}

/** As they are in the file if they cannot be used: that is then the question. */
async function settings({ paths, platform }: DaemonContext): Promise<Evidence> {
  const { settingsFile: path } = paths;
  const bytes = await readBytesIfPresent(path, MAX_SETTINGS_BYTES);
  const decoded = bytes === undefined ? { text: '' } : decodeUserText(bytes);
  const problem = await loadSettings(path, platform).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const inFile = 'text' in decoded ? jsonOr(decoded.text) : `(${decoded.problem})`;
  return {
    data: { path, exists: bytes !== undefined, ...(problem === undefined ? {} : { problem }), inFile },
  };
}

async function daemonJson({ paths, platform }: DaemonContext): Promise<Evidence> {
  const { engine } = await loadSettings(paths.settingsFile, platform);
  const isEmpty = Object.keys(engine.daemonJson).length === 0;
  return isEmpty
    ? { absent: 'engine.daemonJson is not set: the engine has its defaults' }
    : { data: engine.daemonJson };
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
