import type { Subnet } from '../../core/values/index.js';
import type { PowerShellIdentity } from '../../powershell/index.js';
import type { HostNetworks } from '../../vm/index.js';
import type { Fact } from './finding.js';

/** An Intel or AMD processor: https://learn.microsoft.com/windows/win32/cimwin32prov/win32-processor */
export const X64 = 9;

/** Everything that was found out about a Windows host, before it is judged. */
export interface WindowsFacts {
  /** Whether this process has administrative rights; without them much cannot be read. */
  readonly isElevated: Fact<boolean>;
  readonly shell: Fact<PowerShellIdentity>;
  /** PowerShell modules that mobyvm uses and that cannot be loaded. */
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
    /** Windows reports these two only while no hypervisor is running. */
    readonly firmwareVirtualization: boolean;
    readonly slat: boolean;
    /** Architecture of Win32_Processor: that of the hardware, also for a program that runs emulated. */
    readonly architecture: number;
  }>;
  /** For example `Enabled`, `Disabled`, `EnablePending`. */
  readonly feature: Fact<string>;
  /** `Auto`, `Off`, or empty if the boot entry does not have it. */
  readonly launchType: Fact<string>;
  readonly service: Fact<{ readonly state: string; readonly startMode: string } | 'absent'>;
  readonly wmi: Fact<true>;
  /** All virtual machines of the host. */
  readonly machines: Fact<readonly FoundMachine[]>;
  readonly freeDiskGiB: Fact<number>;
  readonly listeners: Fact<readonly Listener[]>;
  readonly reservedPorts: Fact<Readonly<Record<'tcp' | 'udp', readonly PortRange[]>>>;
  readonly networks: Fact<HostNetworks>;
  readonly nats: Fact<readonly { readonly name: string; readonly prefix: string | undefined }[]>;
  /** Of the Public profile: the switch is a network that Windows cannot identify. */
  readonly firewall: Fact<'takes rules' | 'takes no rules of this machine' | 'takes no rules'>;
  /** Rules that are on and block what comes in to our program. */
  readonly blockingRules: Fact<readonly { readonly name: string; readonly title: string }[]>;
  readonly adapters: Fact<
    readonly { readonly name: string; readonly description: string; readonly isUp: boolean }[]
  >;
  readonly dockerDesktop: Fact<{ readonly isInstalled: boolean; readonly isRunning: boolean }>;
  /** Names of the named pipes that exist. */
  readonly pipes: Fact<readonly string[]>;
}

export interface FoundMachine {
  readonly name: string;
  readonly isRunning: boolean;
  /** Where its configuration is. */
  readonly path: string;
  /** Its notes are those of a mobyvm. */
  readonly isMarked: boolean;
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
  /** The process is this mobyvm's daemon. */
  readonly isOurs: boolean;
  /** Names of the services that run in that process. */
  readonly services: readonly string[];
}

/** What the settings need from the host. */
export interface DoctorWants {
  readonly settings: Fact<{ readonly memoryMiB: number; readonly subnet: Subnet | 'auto' }>;
  /** The subnet of the machine, while it has one. */
  readonly machineSubnet: Fact<Subnet | 'none'>;
  readonly switchName: string;
  /** Absolute path of the folder that holds the configuration of the machine's own VM. */
  readonly machineFolder: string;
  /** Absolute path of the node.exe that runs the daemon. */
  readonly program: string;
  /** If so, the VM may have its memory already. */
  readonly daemonRuns: boolean;
}
