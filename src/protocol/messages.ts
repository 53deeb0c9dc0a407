import { z } from 'zod';
import { ERROR_CODES } from '../core/values/index.js';
import { dnsStatus } from './dns-messages.js';

/** About the machine and its daemon; control-routes.ts says which request has which of them. */

export const operationName = z.enum(['up', 'down', 'restart', 'uninstall']);
export type OperationName = z.infer<typeof operationName>;

export const requester = z.strictObject({ pid: z.int().positive(), command: z.string().max(200) });
/** The process id and command line of the client, for whoever has to wait for it. */
export type Requester = z.infer<typeof requester>;

export const operationRequest = z.strictObject({
  /** Chosen by the client, which recognizes the events of its operation by it. */
  id: z.uuid(),
  requester,
  /** Of `uninstall`: the data disk stays, with all images, containers and volumes. */
  keepData: z.boolean().optional(),
  /** Of `down`: the VM is shut down even if the settings want it saved. */
  stop: z.boolean().optional(),
});
export type OperationRequest = z.infer<typeof operationRequest>;

export const errorReport = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  remedy: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

const step = z.string();
const durationMs = z.number();
export const operationEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('operation.joined'), operation: operationName, requester }),
  z.object({ event: z.literal('operation.waiting'), operation: operationName, requester }),
  /** One sentence that the user should know although nothing failed. */
  z.object({ event: z.literal('operation.notice'), operation: operationName, message: z.string() }),
  z.object({ event: z.literal('step.started'), step, title: z.string() }),
  z.object({ event: z.literal('step.progress'), step, detail: z.string() }),
  z.object({
    event: z.literal('step.done'),
    step,
    durationMs,
    change: z.enum(['none', 'create', 'update', 'replace', 'remove']),
  }),
  z.object({ event: z.literal('step.failed'), step, durationMs, error: errorReport }),
  z.object({ event: z.literal('step.undone'), step }),
  z.object({ event: z.literal('operation.done'), operation: operationName, durationMs }),
  z.object({
    event: z.literal('operation.failed'),
    operation: operationName,
    durationMs,
    error: errorReport,
  }),
]);
export type OperationEvent = z.infer<typeof operationEvent>;

const pendingSetting = z.object({ setting: z.string(), from: z.string(), to: z.string() });
/** A setting that the running machine applies only after `mobyvm restart`. */
export type PendingSetting = z.infer<typeof pendingSetting>;

/** `absent` and `saved` are `stopped` of a machine without a VM, and of one whose VM is saved. */
export const machineState = z.enum([
  'absent',
  'stopped',
  'saved',
  'starting',
  'running',
  'degraded',
  'stopping',
  'restarting',
  'failed',
]);

const daemon = z.object({
  pid: z.int(),
  version: z.string(),
  startedAt: z.string(),
  /** Absolute paths, as the variables of its environment set them when it was started. */
  stateDir: z.string(),
  logDir: z.string(),
  settingsFile: z.string(),
  /** It was started by a command, and exits when there is nothing to do. */
  isBackground: z.boolean(),
});

/** What the daemon knows without asking the VM or its engine: available at once, even when those hang. */
export const daemonInfo = z.object({
  state: machineState,
  /** The network namespace that it runs in, if any. */
  namespace: z.string().optional(),
  daemon,
});
export type DaemonInfo = z.infer<typeof daemonInfo>;

export const machineStatus = z.object({
  state: machineState,
  /** When the state was entered, ISO 8601. */
  since: z.string(),
  /** The current step of a running operation. */
  step: z.object({ id: z.string(), title: z.string(), detail: z.string(), elapsedMs: z.number() }).optional(),
  error: errorReport.optional(),
  daemon,
  vm: z.object({
    driver: z.string(),
    state: z.string(),
    accelerator: z.string().optional(),
    machineId: z.string(),
    /** The last stage that the guest reported on its console. */
    stage: z.string().optional(),
    /** Of the running machine (absent if unknown), otherwise what the next start will use. */
    cpus: z.number().optional(),
    memoryMiB: z.number().optional(),
    firmware: z.string().optional(),
    /** Of a saved VM: since when (ISO 8601), and the size of its memory's file, if that is known. */
    saved: z
      .object({ at: z.string(), bytes: z.number().optional(), namespace: z.string().optional() })
      .optional(),
  }),
  /** What differs between the settings of the last `up` and the machine that runs. */
  pending: z.array(pendingSetting).optional(),
  /** What the guest reports about itself, once it has answered. */
  guest: z
    .object({
      os: z.string(),
      kernel: z.string(),
      addresses: z.array(z.string()).readonly(),
      /** How full its data disk is, once it has reported that: space, and files that it can hold (inodes). */
      disk: z
        .object({ totalKiB: z.number(), freeKiB: z.number(), files: z.number(), freeFiles: z.number() })
        .optional(),
    })
    .optional(),
  network: z.object({
    namespace: z.string().optional(),
    /** The bridge (Linux) or switch (Windows). */
    name: z.string(),
    subnet: z.string().optional(),
    hostAddress: z.string().optional(),
    vmAddress: z.string().optional(),
    mac: z.string(),
  }),
  engine: z.object({
    endpoint: z.string(),
    /** Where Docker's clients look that are told nothing, and why the engine is not there. */
    usual: z.object({ endpoint: z.string(), problem: z.string().optional() }).optional(),
    reachable: z.boolean(),
    version: z.string().optional(),
    apiVersion: z.string().optional(),
    /** How far the guest's clock is ahead of the host's, to within a second. */
    clockOffsetMs: z.number().optional(),
  }),
  /** Published ports by state; `mobyvm port list` shows each of them. */
  ports: z.object({ open: z.int(), waiting: z.int(), failed: z.int() }).optional(),
  /** Containers with `--network host`: what they listen on is at the VM's address, not at the host's. */
  hostNetworkContainers: z.array(z.string()).optional(),
  /** `mobyvm share list` shows more of each. */
  shares: z
    .array(
      z.object({
        name: z.string(),
        hostPath: z.string(),
        isReadOnly: z.boolean(),
        state: z.string(),
        reason: z.string().optional(),
        remedy: z.string().optional(),
      }),
    )
    .optional(),
  /** Containers that wait for a share before they are started. */
  heldContainers: z.array(z.string()).optional(),
  /** How changes on the host reach programs that watch files in containers. */
  fileEvents: z
    .object({
      /** Absent if no running container binds a share. */
      mechanism: z.string().optional(),
      /** Files and folders that running containers bind. */
      watched: z.int(),
      problems: z.array(z.object({ path: z.string(), reason: z.string(), remedy: z.string() })),
    })
    .optional(),
  /** How long the last start of the VM took. */
  timings: z
    .object({
      steps: z.array(z.object({ id: z.string(), title: z.string(), durationMs: z.number() })),
      /** What the guest reported while it booted, by its uptime in seconds. */
      guest: z.array(z.object({ stage: z.string(), text: z.string(), uptimeSeconds: z.number() })),
    })
    .optional(),
  /** What the machine needs on the host, as of the last look; empty unless it is up. What is `broken` could not be repaired. */
  resources: z
    .array(
      z.object({
        id: z.string(),
        title: z.string(),
        health: z.enum(['healthy', 'broken']),
        problem: z.string().optional(),
        remedy: z.string().optional(),
      }),
    )
    .optional(),
  /** What others changed on the host and the daemon repaired, oldest first. */
  repairs: z
    .array(z.object({ at: z.string(), id: z.string(), title: z.string(), problem: z.string() }))
    .optional(),
  /** What other programs on the host do to the VM's network, and a data disk that is nearly full. */
  obstacles: z.array(z.object({ problem: z.string(), remedy: z.string() })).optional(),
});
export type MachineStatus = z.infer<typeof machineStatus>;

export const finding = z.object({
  /** Kebab-case, stable. */
  id: z.string(),
  title: z.string(),
  /** `notice`: it works, but the user should know; `unknown`: it could not be checked. */
  verdict: z.enum(['fine', 'notice', 'problem', 'unknown']),
  detail: z.string(),
  remedy: z.string().optional(),
  /** `mobyvm doctor --fix` can repair it. */
  isFixable: z.boolean().optional(),
});
/** One line of `mobyvm doctor`. */
export type Finding = z.infer<typeof finding>;
export const hostReport = z.object({ findings: z.array(finding) });

export const kvpPool = z.enum(['host', 'guest', 'intrinsic']);
export type KvpPool = z.infer<typeof kvpPool>;
export const kvpListing = z.object({
  items: z.array(z.object({ name: z.string(), value: z.string(), isSecret: z.boolean() })),
  unreadable: z.int().nonnegative(),
});
export type KvpListing = z.infer<typeof kvpListing>;
export const kvpSetRequest = z.strictObject({ name: z.string(), value: z.string(), secret: z.boolean() });
/** `delivered`: false while the VM boots, which gets the item when it has booted. */
export const kvpSetAnswer = z.object({ delivered: z.boolean() });
export type KvpSetAnswer = z.infer<typeof kvpSetAnswer>;
export const kvpRemoveRequest = z.strictObject({ name: z.string() });
export type KvpSetRequest = z.infer<typeof kvpSetRequest>;

/** A port that a container publishes, with its traffic since it was opened on the host. */
export const publishedPort = z.object({
  protocol: z.enum(['tcp', 'udp']),
  hostIp: z.string(),
  hostPort: z.int(),
  /** Empty until the engine has reported its name. */
  container: z.string(),
  containerPort: z.int(),
  state: z.enum(['open', 'waiting', 'failed']),
  /** Why it is not open. */
  problem: z.string().optional(),
  /** Current TCP connections or UDP clients. */
  connections: z.int(),
  bytesIn: z.number(),
  bytesOut: z.number(),
});
export const portListing = z.object({ ports: z.array(publishedPort) });
export type PortListing = z.infer<typeof portListing>;

const dhcpLease = z.object({
  mac: z.string(),
  address: z.string(),
  hostname: z.string(),
  state: z.enum(['free', 'offered', 'bound', 'released', 'declined', 'expired']),
  /** ISO 8601; absent unless it is bound or expired. */
  expiresAt: z.string().optional(),
  /** When the client was last heard, ISO 8601; absent if never. */
  lastSeen: z.string().optional(),
});
/** What the DHCP server has given; empty while it does not run. */
export const leaseListing = z.object({ leases: z.array(dhcpLease) });
export type LeaseListing = z.infer<typeof leaseListing>;

/** The operation was accepted; its outcome is an event. */
export const operationAnswer = z.object({ id: z.uuid() });
export const cancelAnswer = z.object({ cancelled: z.boolean() });
export const errorAnswer = z.object({ error: errorReport });
/** What the VM uses of the host; absent is what is not known. */
export const vmUsage = z.object({
  /** Since its start, of all its processors. */
  processorSeconds: z.number().optional(),
  memoryBytes: z.number().optional(),
  diskBytes: z.number().optional(),
});
export type VmUsage = z.infer<typeof vmUsage>;

/**
 * Counters of the VM, of DNS and of published ports at one moment. Two of them of the same stream give rates; one that
 * has gone back was started again meanwhile.
 */
export const machineStats = z.object({
  /** Of a clock that is never set, in milliseconds; only differences mean something. */
  atMs: z.number(),
  state: machineState,
  usage: vmUsage,
  /** Absent while the DNS server does not run. */
  dns: dnsStatus.shape.queries.optional(),
  ...portListing.shape,
});
export type MachineStats = z.infer<typeof machineStats>;

/** The running containers, as the engine lists them. */
export const containerListing = z.object({
  containers: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      image: z.string(),
      state: z.string(),
      /** As Docker words it: `Up 5 minutes`. */
      status: z.string(),
    }),
  ),
});
export type ContainerListing = z.infer<typeof containerListing>;

export const settingsAnswer = z.object({
  path: z.string(),
  /** What the file says; empty if there is none. */
  settings: z.record(z.string(), z.record(z.string(), z.unknown())),
  /** What counts where the file says nothing. */
  defaults: z.record(z.string(), z.record(z.string(), z.unknown())),
  /** A JSON Schema of the settings. */
  schema: z.record(z.string(), z.unknown()),
  /** Of the file's content, for a change. */
  revision: z.string(),
});
export type SettingsAnswer = z.infer<typeof settingsAnswer>;

export const settingsRequest = z.strictObject({
  settings: z.record(z.string(), z.unknown()),
  /** Of the content that was changed: another change meanwhile is not overwritten. */
  revision: z.string().max(200),
});
export type SettingsRequest = z.infer<typeof settingsRequest>;

/** The zip file of `mobyvm diagnose`, in base64; secrets in it are masked. */
export const diagnosisAnswer = z.object({ name: z.string(), file: z.base64() });
export type DiagnosisAnswer = z.infer<typeof diagnosisAnswer>;

/** Where the dashboard is, and the secret that it needs. */
export const dashboardAnswer = z.object({ url: z.string(), token: z.string() });
export type DashboardAnswer = z.infer<typeof dashboardAnswer>;
export const tokenAnswer = z.object({ token: z.string() });
/** Nothing to say beside that it was done. */
export const doneAnswer = z.object({});
