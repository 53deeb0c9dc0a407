import type { Subnet } from '../../core/values/index.js';
import type { PowerShellIdentity } from '../../powershell/index.js';
import type { HostNetworks } from '../../vm/index.js';
import type { Fact } from './finding.js';

/** Everything that is known of a Windows host before anything is judged. */
export interface WindowsFacts {
  /** Whether we have the rights of an administrator; without them much cannot be looked at. */
  readonly isElevated: Fact<boolean>;
  readonly shell: Fact<PowerShellIdentity>;
  /** Those of PowerShell that are used, as far as they cannot be. */
  readonly modules: Fact<readonly { readonly name: string; readonly state: 'missing' | 'forbidden' }[]>;
  readonly system: Fact<{
    readonly caption: string;
    readonly build: number;
    /** OperatingSystemSKU of Win32_OperatingSystem. */
    readonly sku: number;
    readonly freeMemoryMiB: number;
  }>;
  readonly hypervisor: Fact<{
    readonly isPresent: boolean;
    /** Manufacturer and model. */
    readonly computer: string;
    /** Windows tells these two only while no hypervisor runs. */
    readonly firmwareVirtualization: boolean;
    readonly slat: boolean;
  }>;
  /** For example `Enabled`, `Disabled`, `EnablePending`. */
  readonly feature: Fact<string>;
  /** `Auto`, `Off`, or empty when the boot entry does not say. */
  readonly launchType: Fact<string>;
  readonly service: Fact<{ readonly state: string; readonly startMode: string } | 'absent'>;
  readonly wmi: Fact<true>;
  readonly freeDiskGiB: Fact<number>;
  readonly listeners: Fact<readonly Listener[]>;
  readonly reservedPorts: Fact<Readonly<Record<'tcp' | 'udp', readonly PortRange[]>>>;
  readonly networks: Fact<HostNetworks>;
  readonly nats: Fact<readonly { readonly name: string; readonly prefix: string | undefined }[]>;
  /** Of the firewall's profile for networks that nobody knows, as the switch is one. */
  readonly firewall: Fact<'takes rules' | 'takes no rules of this machine' | 'takes no rules'>;
  readonly adapters: Fact<
    readonly { readonly name: string; readonly description: string; readonly isUp: boolean }[]
  >;
  readonly dockerDesktop: Fact<{ readonly isInstalled: boolean; readonly isRunning: boolean }>;
  /** Names of the named pipes that exist. */
  readonly pipes: Fact<readonly string[]>;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface Listener {
  readonly protocol: 'TCP' | 'UDP';
  readonly address: string;
  readonly port: number;
  readonly process: string;
  /** It is our daemon. */
  readonly isOurs: boolean;
  /** Names of the services that run in that process. */
  readonly services: readonly string[];
}

/** What the settings ask of the host. */
export interface DoctorWants {
  readonly memoryMiB: number;
  readonly subnet: Subnet | 'auto';
  readonly switchName: string;
  /** The VM may have its memory already. */
  readonly daemonRuns: boolean;
}
