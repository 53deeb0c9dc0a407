import { randomUUID } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { INTEGRATION_SERVICES } from '../../../src/vm/index.js';
import type { ScriptedWmi } from '../kvp-wmi.js';
import type { HostObject } from '../pwsh-host/stub-calls.js';
import { BOOT_LINES, type SimulatedGuest } from './simulated-guest.js';

/** From this line of its boot on, the guest reacts to a request to shut down. */
const HEARS_FROM = 3;
const LINE_EVERY_MS = 2;
const SHUTDOWN_MS = 5;
/** German, like everything on this host: a service cannot be found by its English name. */
const SERVICE_NAMES: Readonly<Record<string, readonly [id: string, isEnabled: boolean]>> = {
  Zeitsynchronisierung: [INTEGRATION_SERVICES.timeSynchronization, true],
  Takt: [INTEGRATION_SERVICES.heartbeat, true],
  Datenaustausch: [INTEGRATION_SERVICES.keyValueExchange, false],
  'Herunterfahren des Betriebssystems': [INTEGRATION_SERVICES.shutdown, true],
  Gastdienstschnittstelle: [INTEGRATION_SERVICES.guestServiceInterface, true],
};

export interface SimulatedPort {
  readonly id: string;
  mac: string;
  isDynamic: boolean;
  switchName: string | undefined;
}

export interface NewMachineOptions {
  readonly memoryBytes: number;
  readonly switchName: string | undefined;
  readonly guest?: SimulatedGuest | undefined;
}

export type CreateMachine = (...args: ConstructorParameters<typeof SimulatedMachine>) => SimulatedMachine;

/** Tells a file from another that came to lie in its place. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found && `${found.ino} ${found.birthtimeNs}`;
}

/** A machine of the simulated Hyper-V. Its COM port is a unix socket where a named pipe is on Windows. */
export class SimulatedMachine {
  readonly id: string = randomUUID();
  state = 'Off';
  notes = '';
  cpus = 1;
  memoryBytes: number;
  hasDynamicMemory = true;
  checkpointType = 'Production';
  hasAutomaticCheckpoints = true;
  startAction = 'StartIfRunning';
  stopAction = 'Save';
  secureBoot = 'On';
  comPath: string | undefined;
  readonly disks: string[] = [];
  /** The files that it may open, by their places: others that come to lie there it may not. */
  readonly openable = new Map<string, string | undefined>();
  readonly dvds: (string | undefined)[];
  readonly adapters: SimulatedPort[] = [];
  bootOrder: HostObject[] = [{ BootType: 'Network', Device: {} }];
  readonly services = Object.entries(SERVICE_NAMES).map(([name, [serviceId, isEnabled]]) => ({
    id: `Microsoft:${this.id.toUpperCase()}\\${serviceId.toUpperCase()}`,
    name,
    isEnabled,
  }));
  hearsShutdown = false;
  /** Hyper-V cannot switch it off: an error, or done without effect. */
  stuck: 'error' | 'silently' | undefined;
  /** Its key-value exchange, if it has one. */
  kvp: ScriptedWmi | undefined;
  /** What runs in it, if anything more than the console is needed. */
  readonly guest: SimulatedGuest | undefined;
  /** Since its last start. */
  #linesSaid = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly name: string,
    readonly generation: number,
    readonly path: string,
    options: NewMachineOptions,
  ) {
    this.memoryBytes = options.memoryBytes;
    this.guest = options.guest;
    this.dvds = generation === 1 ? [undefined] : [];
    this.addAdapter(options.switchName);
  }

  /** As attaching a disk does. */
  letOpen(path: string): void {
    this.openable.set(path, identityOf(path));
  }

  get mayOpenAll(): boolean {
    return this.disks.every(
      (path) => identityOf(path) === undefined || identityOf(path) === this.openable.get(path),
    );
  }

  addAdapter(switchName: string | undefined, mac?: string): void {
    const id = `Microsoft:${this.id.toUpperCase()}\\${randomUUID().toUpperCase()}`;
    this.adapters.push({ id, mac: mac ?? '000000000000', isDynamic: mac === undefined, switchName });
  }

  get isOn(): boolean {
    return !/^(Off|(Fast)?Saved)/.test(this.state);
  }

  run(isBoot: boolean): void {
    this.state = 'Running';
    if (isBoot) {
      this.hearsShutdown = false;
      this.#linesSaid = 0;
      this.guest?.boots(this);
    }
    this.#serveConsole();
  }

  /** As its shutdown component does. */
  askToShutDown(): void {
    setTimeout(() => this.isOn && this.end('Off'), SHUTDOWN_MS).unref();
  }

  end(state: 'Off' | 'Saved'): void {
    this.state = state;
    if (state === 'Off') this.guest?.ends();
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
    this.#server?.close();
    this.#server = undefined;
    if (this.comPath !== undefined) rmSync(this.comPath, { force: true });
  }

  object(): HostObject {
    return {
      Id: this.id,
      Name: this.name,
      State: this.state,
      Notes: this.notes,
      Path: this.path,
      Generation: this.generation,
      ProcessorCount: this.cpus,
      MemoryStartup: this.memoryBytes,
      DynamicMemoryEnabled: this.hasDynamicMemory,
      CheckpointType: this.checkpointType,
      AutomaticCheckpointsEnabled: this.hasAutomaticCheckpoints,
      AutomaticStartAction: this.startAction,
      AutomaticStopAction: this.stopAction,
      HardDrives: this.diskObjects(),
      DVDDrives: this.dvdObjects(),
      ComPort1: this.portObject(),
      NetworkAdapters: this.adapterObjects(),
      VMIntegrationService: this.serviceObjects(),
    };
  }

  diskObjects(): readonly HostObject[] {
    return this.disks.map((Path) => ({ VMId: this.id, Path, ControllerType: 'SCSI' }));
  }

  dvdObjects(): readonly HostObject[] {
    return this.dvds.map((path, index) => ({
      VMId: this.id,
      Path: path ?? null,
      ControllerNumber: 0,
      ControllerLocation: index,
    }));
  }

  portObject(): HostObject {
    return { VMId: this.id, Path: this.comPath ?? '' };
  }

  adapterObjects(): readonly HostObject[] {
    return this.adapters.map((each) => ({
      VMId: this.id,
      Id: each.id,
      MacAddress: each.mac,
      DynamicMacAddressEnabled: each.isDynamic,
      SwitchName: each.switchName ?? null,
    }));
  }

  serviceObjects(): readonly HostObject[] {
    return this.services.map(({ id, name, isEnabled }) => ({
      VMId: this.id,
      Id: id,
      Name: name,
      Enabled: isEnabled,
    }));
  }

  /** The guest waits until its first line is read, as it does when the pipe's buffer is full. */
  #serveConsole(): void {
    if (this.comPath === undefined) return;
    rmSync(this.comPath, { force: true });
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.resume();
    }).listen(this.comPath);
    this.#timer = setInterval(() => {
      const line = BOOT_LINES[this.#linesSaid];
      if (line === undefined || this.state !== 'Running' || this.#sockets.size === 0) return;
      for (const socket of this.#sockets) socket.write(`${line}\r\n`);
      this.#linesSaid += 1;
      this.hearsShutdown = this.#linesSaid >= HEARS_FROM;
      this.guest?.hasSaid(this.#linesSaid, this);
    }, LINE_EVERY_MS);
  }
}
