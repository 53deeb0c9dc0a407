import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isAlive,
  run,
  SerialQueue,
  sleep,
  statIfPresent,
  type ProcessIdentity,
  type Undo,
} from '../../core/host/index.js';
import { isAbort, MobyvmError, textOf, type Ipv4 } from '../../core/values/index.js';
import { sambaPaths } from './samba-paths.js';
import { SAMBA_PROGRAMS, SMB_PORTS, type SambaOptions } from './samba-options.js';
import { readServerFiles, writeServerFiles, type ServerFiles } from './server-files.js';
import { globalPart, removedOrMoved, portIn, type SambaPaths } from './smb-conf.plan.js';
import { configArgument, endServer, findServer } from './smbd-process.js';
import { startSmbd, withPackage } from './start-smbd.js';

/** What to serve: the files for the port that the server gets. */
export interface ServerWanted {
  readonly address: Ipv4;
  readonly filesFor: (port: number) => ServerFiles;
  /** For each share on the wire, which folder it is now. */
  readonly folders: ReadonlyMap<string, string>;
}

export interface ServerFound {
  readonly server: ProcessIdentity | undefined;
  /** Whether this daemon started it, or has taken it over. */
  readonly isOurs: boolean;
  readonly files: ServerFiles;
  readonly port: number;
  /** As in {@link ServerWanted}, when it was told last. */
  readonly folders: ReadonlyMap<string, string>;
}

const WATCH_MS = 1_000;
const FIRST_BACK_OFF_MS = 500;
const MAX_BACK_OFF_MS = 30_000;
/** A server that ran this long is started at once when it dies. */
const STEADY_MS = 60_000;

/**
 * Our smbd. INVARIANTS: at most one runs for a run folder; while something is wanted, it is watched, and started again
 * when it dies. A daemon's end leaves it serving the VM; the next daemon takes it over.
 */
export class SambaServer {
  readonly paths: SambaPaths;
  readonly #options: SambaOptions;
  readonly #queue = new SerialQueue();
  #folders: ReadonlyMap<string, string> = new Map();
  #modules: Promise<string | undefined> | undefined;
  #current: ProcessIdentity | undefined;
  #watching: AbortController | undefined;
  #watch: Promise<void> = Promise.resolve();

  constructor(options: SambaOptions) {
    this.#options = options;
    this.paths = sambaPaths(options.runDir, options.logDir);
  }

  async observe(): Promise<ServerFound> {
    const [server, files] = await Promise.all([findServer(this.paths), readServerFiles(this.paths)]);
    return {
      server,
      isOurs: server !== undefined && this.#current?.startId === server.startId,
      files,
      port: portIn(files.config) ?? SMB_PORTS[0],
      folders: this.#folders,
    };
  }

  /** Whether Samba's module for names is installed. It may be installed or removed later, so it is asked each time. */
  async mapsNames(signal: AbortSignal): Promise<boolean> {
    const [program, ...first] = (this.#options.programs ?? SAMBA_PROGRAMS).smbd;
    this.#modules ??= run(program, [...first, '--build-options'], { signal })
      .then(({ stdout }) => /^\s*MODULESDIR: (.+)$/m.exec(stdout)?.[1])
      .catch((error: unknown) => {
        this.#modules = undefined;
        throw withPackage(error);
      });
    const folder = await this.#modules;
    return folder !== undefined && (await statIfPresent(join(folder, 'vfs/catia.so'))) !== undefined;
  }

  /** Whether its main process answers. @throws MobyvmError MOBYVM_PROGRAM_MISSING */
  async answers(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#control(['--timeout=2', 'smbd', 'ping'], signal);
      return true;
    } catch (error) {
      if (error instanceof MobyvmError && error.code.startsWith('MOBYVM_PROGRAM_'))
        if (error.code !== 'MOBYVM_PROGRAM_MISSING') return false;
      throw error;
    }
  }

  /**
   * Starts it, or tells the running one what changed: shares that stay the same are served on.
   * @returns undoes it
   */
  async ensure(wanted: ServerWanted, signal: AbortSignal): Promise<Undo> {
    const undo = await this.#queue.run(async () => {
      const found = await this.observe();
      const files = wanted.filesFor(found.port);
      if (found.server === undefined) await this.#startOrNothing(wanted, signal);
      else if (globalPart(found.files.config) !== globalPart(files.config))
        await this.#restart(wanted, signal);
      else await this.#reload(found, files, wanted, signal);
      this.#folders = wanted.folders;
      return this.#undoTo(found, wanted.address);
    }, signal);
    this.#startWatching(wanted);
    return undo;
  }

  #undoTo({ server, files, folders }: ServerFound, address: Ipv4): Undo {
    return async () => {
      if (server === undefined) await this.remove();
      else await this.ensure({ address, folders, filesFor: () => files }, new AbortController().signal);
    };
  }

  /** @returns whether there was a server */
  async remove(): Promise<boolean> {
    await this.close();
    const found = await findServer(this.paths);
    if (found !== undefined) {
      await endServer(found);
      this.#options.logger.info('share.server.stopped', { pid: found.pid });
    }
    this.#current = undefined;
    this.#folders = new Map();
    await rm(this.paths.folder, { recursive: true, force: true });
    return found !== undefined;
  }

  /** Watches it no longer; it serves on. */
  async close(): Promise<void> {
    this.#watching?.abort();
    this.#watching = undefined;
    await this.#watch;
  }

  /** A failed start leaves no files behind. */
  async #startOrNothing(wanted: ServerWanted, signal: AbortSignal): Promise<void> {
    try {
      await this.#start(wanted, signal);
    } catch (error) {
      await rm(this.paths.folder, { recursive: true, force: true });
      throw error;
    }
  }

  async #restart(wanted: ServerWanted, signal: AbortSignal): Promise<void> {
    const running = await findServer(this.paths);
    if (running !== undefined) await endServer(running);
    await this.#start(wanted, signal);
  }

  async #start(wanted: ServerWanted, signal: AbortSignal): Promise<void> {
    const { logger, portOwner, programs = SAMBA_PROGRAMS } = this.#options;
    const { address } = wanted;
    const taken: string[] = [];
    for (const port of SMB_PORTS) {
      await writeServerFiles(this.paths, wanted.filesFor(port));
      const started = await startSmbd(this.paths, programs.smbd, { address, port, signal });
      if ('server' in started) {
        this.#current = started.server;
        logger.info('share.server.started', { pid: started.server.pid, address, port });
        return;
      }
      const owner = await portOwner?.(address, port);
      logger.warn('share.server.port-in-use', { address, port, owner });
      taken.push(owner === undefined ? String(port) : `${port} (${owner})`);
    }
    throw new MobyvmError(
      'MOBYVM_SHARE_SERVER',
      `Other programs have the TCP ports ${taken.join(' and ')} of ${address}, so that shares cannot be served.`,
      'Stop one of them, or let it listen on other addresses only, then run `mobyvm up`.',
    );
  }

  async #reload(
    found: ServerFound,
    files: ServerFiles,
    { folders }: ServerWanted,
    signal: AbortSignal,
  ): Promise<void> {
    await writeServerFiles(this.paths, files);
    // Passwords are read at each login.
    if (!found.isOurs || files.config !== found.files.config) {
      await this.#control(['smbd', 'reload-config'], signal);
    }
    const cut = removedOrMoved(found, { files, folders });
    for (const name of cut) await this.#control(['smbd', 'close-share', name], signal);
    const { logger } = this.#options;
    if (!found.isOurs) logger.info('share.server.adopted', { pid: found.server?.pid ?? 0 });
    logger.info('share.server.reloaded', { shares: folders.size, closed: cut.join(' ') });
    this.#current = found.server;
  }

  #startWatching(wanted: ServerWanted): void {
    this.#watching?.abort();
    const watching = new AbortController();
    this.#watching = watching;
    const before = this.#watch;
    this.#watch = before
      .then(() => this.#keepAlive(wanted, watching.signal))
      .catch((error: unknown) => {
        if (!isAbort(error)) this.#options.logger.error('share.server.unwatched', { reason: textOf(error) });
      });
  }

  async #keepAlive(wanted: ServerWanted, signal: AbortSignal): Promise<void> {
    let backOffMs = FIRST_BACK_OFF_MS;
    let startedMs = performance.now();
    for (;;) {
      await sleep(WATCH_MS, signal);
      if (this.#current !== undefined && (await isAlive(this.#current))) continue;
      const { logger } = this.#options;
      if (performance.now() - startedMs > STEADY_MS) backOffMs = FIRST_BACK_OFF_MS;
      logger.warn('share.server.died', { pid: this.#current?.pid ?? 0, restartMs: backOffMs });
      await sleep(backOffMs, signal);
      backOffMs = Math.min(backOffMs * 2, MAX_BACK_OFF_MS);
      startedMs = performance.now();
      await this.#queue
        .run(() => this.#revive(wanted, signal), signal)
        .catch((error: unknown) => {
          if (signal.aborted) throw error;
          logger.error('share.server.not-started', { reason: textOf(error) });
        });
    }
  }

  /** What a killed server left of itself goes first. */
  async #revive(wanted: ServerWanted, signal: AbortSignal): Promise<void> {
    if (this.#current !== undefined) await endServer(this.#current);
    await this.#restart(wanted, signal);
  }

  async #control(args: readonly string[], signal: AbortSignal): Promise<void> {
    const [program, ...first] = (this.#options.programs ?? SAMBA_PROGRAMS).smbcontrol;
    await run(program, [...first, configArgument(this.paths), ...args], {
      signal,
      timeoutMs: 10_000,
    }).catch((error: unknown) => {
      throw withPackage(error);
    });
  }
}
