import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileLedger, posixProtection, silentLogger } from '../../../src/core/host/index.js';
import { parseMac } from '../../../src/core/values/index.js';
import { assembleMachine, type AssembledMachine } from '../../../src/daemon/machine/assemble.js';
import type {
  MachinePlatform,
  MachinePlatformOptions,
} from '../../../src/daemon/host-side/machine-platform.js';
import type { Machine } from '../../../src/daemon/machine/machine.js';
import type { Operation, OperationEvent } from '../../../src/daemon/machine/operation.js';
import { settingsSchema } from '../../../src/daemon/settings/schema.js';
import { linuxPaths, type InstancePaths } from '../../../src/protocol/paths.js';
import { fileCredentials } from '../../../src/share/index.js';
import { fakeEngine, type FakeEngine } from '../engine-fake.js';
import { NO_LINKS } from '../share-fake.js';
import { FakeServices } from '../fake-services.js';

const ME = { pid: 1, command: 'mobyvm test' };

export interface InstancePlaces {
  readonly folder: string;
  readonly paths: InstancePaths;
  readonly engine: FakeEngine;
}

/**
 * The product's own `Machine` over one platform's parts, in a folder of its own. What no test host has is faked:
 * servers on the addresses of a guest that does not exist, and the way to its engine.
 */
export abstract class AssembledInstance implements AsyncDisposable {
  readonly services = new FakeServices();
  readonly folder: string;
  readonly paths: InstancePaths;
  readonly #engine: FakeEngine;
  readonly #machineId = randomUUID();
  #assembled: AssembledMachine | undefined;

  constructor({ folder, paths, engine }: InstancePlaces) {
    this.folder = folder;
    this.paths = paths;
    this.#engine = engine;
  }

  protected static async places(): Promise<InstancePlaces> {
    const folder = await mkdtemp(join(tmpdir(), 'mva-'));
    const paths = linuxPaths({
      MOBYVM_STATE_DIR: join(folder, 'state'),
      MOBYVM_RUN_DIR: join(folder, 'run'),
      MOBYVM_LOG_DIR: join(folder, 'log'),
      MOBYVM_SETTINGS: join(folder, 'settings.json'),
    });
    writeImage(paths.imageDir);
    for (const made of [paths.runDir, paths.logDir]) mkdirSync(made, { recursive: true });
    return { folder, paths: { ...paths, vmConsole: join(folder, 'com1.sock') }, engine: await fakeEngine() };
  }

  /** A new one for each daemon, over what the last one left. */
  protected abstract platformOf(options: MachinePlatformOptions): MachinePlatform;

  get machine(): Machine {
    if (this.#assembled === undefined) throw new TypeError('start a daemon first');
    return this.#assembled.machine;
  }

  /** A new daemon, in place of the last one. */
  async restartDaemon(): Promise<void> {
    await this.#assembled?.close();
    this.#assembled = assembleMachine(
      (options) => this.platformOf(options),
      {
        paths: this.paths,
        files: posixProtection,
        credentials: fileCredentials(this.paths.credentialsFile),
        settings: settingsSchema.parse({}),
        identity: { machineId: this.#machineId, mac: parseMac('02:00:0a:00:4b:02') },
        namespace: undefined,
        logger: silentLogger,
        pid: process.pid,
        isBackground: true,
        applySettings: () => undefined,
      },
      { services: this.services, dial: this.#engine.dial, startLinks: NO_LINKS },
    );
  }

  /** @param cancelAt the id of the step at whose start it is cancelled */
  async operate(operation: Operation, cancelAt?: string): Promise<readonly OperationEvent[]> {
    const events: OperationEvent[] = [];
    await this.machine.operate(operation, ME, (event) => {
      events.push(event);
      if (event.event === 'step.started' && event.step === cancelAt) void this.machine.cancel();
    });
    return events;
  }

  async ledger(): Promise<readonly string[]> {
    return (await fileLedger(this.paths.ledgerFile).list()).map(({ kind, name }) => `${kind} ${name}`);
  }

  /** Files below the state folder, without folders. */
  async stateFiles(): Promise<readonly string[]> {
    const entries = await readdir(this.paths.stateDir, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#assembled?.close();
    await this.#engine[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A boot image that passes its check. */
function writeImage(folder: string): void {
  const iso = 'not really an ISO';
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'mobyvm.iso'), iso);
  const sha256 = createHash('sha256').update(iso).digest('hex');
  const files = { 'mobyvm.iso': { size: iso.length, sha256 } };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ schemaVersion: 1, recipe: 'test', files }));
}
