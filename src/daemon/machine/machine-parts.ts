import type { Logger, Step } from '../../core/host/index.js';
import type { KvpExchange } from '../../kvp/index.js';
import type { PublishedPort } from '../../proxy/index.js';
import type { VmDriver, VmSpec } from '../../vm/index.js';
import type { MachineStatus } from '../../protocol/messages.js';
import type { GuestSide } from '../guest/index.js';
import type { HostSize } from '../settings/host-limits.plan.js';
import type { Settings } from '../settings/schema.js';
import type { BootWatch } from './boot-watch.js';
import type { EngineProbe } from './engine-probe.js';
import type { HostSide } from './host-side.js';

/** What a {@link Machine} is put together from. */
export interface MachineParts {
  readonly driver: VmDriver;
  readonly boot: BootWatch;
  readonly host: HostSide;
  readonly guest: GuestSide;
  readonly kvp: KvpExchange;
  readonly ports: MachinePorts;
  readonly engine: EngineProbe;
  readonly logger: Logger;
  readonly hostSize: HostSize;
  readonly loadSettings: () => Promise<Settings>;
  /** Told of the settings that each `up` and `restart` loads. */
  readonly applySettings?: (settings: Settings) => void;
  readonly specFor: (settings: Settings) => VmSpec;
  readonly imageStep: (settings: Settings) => Step;
  readonly about: Pick<MachineStatus, 'daemon'> & {
    readonly machineId: string;
    readonly mac: string;
    readonly endpoint: string;
  };
}

/** What the machine has to do with published ports; the daemon's `Ports` fits. */
export interface MachinePorts {
  guestLost(): void;
  audit(): Promise<void>;
  list(): Promise<readonly PublishedPort[]>;
  /** Without asking the engine. */
  counts(): NonNullable<MachineStatus['ports']>;
}
