import { z } from 'zod';
import { isIpv4, isLocalSubnet, parseSubnet } from '../../core/values/index.js';

/** Interface names are at most 15 bytes (IFNAMSIZ in linux/if.h); three are kept for the tap's ending. */
const MAX_BRIDGE_NAME = 12;

const subnet = z
  .string()
  .refine(
    (text) => text === 'auto' || isSubnet24(text),
    'must be "auto" or an IPv4 network of /24, such as 10.0.75.0/24',
  )
  .refine(
    (text) => !isSubnet24(text) || isLocalSubnet(parseSubnet(text)),
    'must lie in a range for local use: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 or 198.18.0.0/15',
  );

const address = z.string().refine(isIpv4, 'must be an IPv4 address');

/** dockerd refuses to start when these stand in daemon.json and in its arguments. */
const GUEST_OWNS = ['hosts', 'tls', 'tlsverify', 'tlscacert', 'tlscert', 'tlskey', 'pidfile'];

/** What a configuration of the guest has room for, beside the certificates. */
const MAX_DAEMON_JSON = 32_768;

const daemonJson = z
  .record(z.string(), z.json())
  .refine((value) => !GUEST_OWNS.some((name) => name in value), {
    error: `must not set ${GUEST_OWNS.join(', ')}: the guest does`,
  })
  .refine((value) => JSON.stringify(value).length <= MAX_DAEMON_JSON, {
    error: `must be at most ${MAX_DAEMON_JSON} characters long`,
  });

/**
 * The settings file. Units stand in the names; every description ends up in docs/settings.md, which a test compares.
 */
export const settingsSchema = z.strictObject({
  vm: z
    .strictObject({
      cpus: z.int().min(1).max(64).default(2).describe('Virtual processors of the VM.'),
      memoryMiB: z
        .int()
        .min(512)
        .max(1_048_576)
        .multipleOf(2)
        .default(2048)
        .describe('Memory of the VM, in MiB; an even number.'),
      diskGiB: z
        .int()
        .min(1)
        .max(8192)
        .default(64)
        .describe(
          'Largest size of the data disk, in GiB. It takes only what is used; it can be raised later and never lowered.',
        ),
      firmware: z
        .enum(['auto', 'bios', 'uefi'])
        .default('auto')
        .describe(
          '`bios` is what Hyper-V calls generation 1, `uefi` generation 2. `auto` is `uefi` on Windows and `bios` on Linux.',
        ),
      accelerator: z
        .enum(['auto', 'kvm', 'tcg'])
        .default('auto')
        .describe(
          'QEMU only. `auto` takes KVM if a guest really starts with it, else software emulation (`tcg`).',
        ),
      bootTimeoutSeconds: z
        .int()
        .min(10)
        .max(3600)
        .default(240)
        .describe('How long each stage of the start may take (kernel, address, Docker Engine), in seconds.'),
      stopTimeoutSeconds: z
        .int()
        .min(0)
        .max(600)
        .default(60)
        .describe('How long the guest may take to shut down before it is powered off, in seconds.'),
    })
    .prefault({}),
  network: z
    .strictObject({
      subnet: subnet
        .default('auto')
        .describe(
          'Network between host and VM: an IPv4 /24 out of a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16), 100.64.0.0/10 or 198.18.0.0/15; or `auto`: 10.0.75.0/24 if it is free, else another free one.',
        ),
      bridge: z
        .string()
        .regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case letters, digits and dashes')
        .max(MAX_BRIDGE_NAME)
        .default('mobyvm0')
        .describe(`Linux only. Name of the bridge, at most ${MAX_BRIDGE_NAME} characters.`),
      nat: z
        .enum(['auto', 'none'])
        .default('auto')
        .describe(
          'Windows only. The NAT network by which the VM reaches others: `auto` uses one that contains the subnet or makes one; `none` makes none.',
        ),
      mtuBytes: z
        .int()
        .min(576)
        .max(9000)
        .default(1500)
        .describe('MTU that the VM is told by DHCP, in bytes.'),
      leaseSeconds: z
        .int()
        .min(60)
        .max(31_536_000)
        .default(86_400)
        .describe('Length of the DHCP lease, in seconds.'),
      domain: z
        .string()
        .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i, 'must be a domain name')
        .default('mobyvm.internal')
        .describe('Domain that the VM is told by DHCP.'),
      dnsServers: z
        .array(address)
        .max(8)
        .default([])
        .describe('Resolvers that names are asked of; empty means those of the host.'),
      hostLoopbackPorts: z
        .array(z.int().min(1).max(65_535))
        .max(256)
        .default([])
        .describe(
          "TCP ports of the host's 127.0.0.1 that containers reach as `host.docker.internal:PORT`; none, unless they are listed here.",
        ),
    })
    .prefault({}),
  ports: z
    .strictObject({
      exposeTo: z
        .enum(['lan', 'localhost'])
        .default('lan')
        .describe(
          'What a port published without an address (`-p 80:80`, `0.0.0.0`, `[::]`) can be reached from: `lan`, as with Docker, by every address of the host; `localhost` from the host only.',
        ),
    })
    .prefault({}),
  image: z
    .strictObject({
      directory: z
        .string()
        .startsWith('/', 'must be an absolute path')
        .optional()
        .describe(
          'Folder with `mobyvm.iso` and `manifest.json`; without it the folder that `mobyvm image build` fills.',
        ),
    })
    .prefault({}),
  engine: z
    .strictObject({
      waitSeconds: z
        .int()
        .min(0)
        .max(600)
        .default(30)
        .describe(
          'How long each request of a Docker client waits for a starting VM before it gets an answer that says so, in seconds; `docker` makes up to three requests in a row.',
        ),
      daemonJson: daemonJson
        .default({})
        .describe(
          "Settings of the Docker Engine, as in its `daemon.json`; they take effect at the VM's next start. Where the engine listens, its TLS and its process file are mobyvm's own.",
        ),
    })
    .prefault({}),
  api: z
    .strictObject({
      showHostPaths: z
        .boolean()
        .default(true)
        .describe(
          "Whether answers and errors of the Docker Engine show a bind's path as it is on the host (`C:\\site`) or as it is in the VM (`/C/site`).",
        ),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('What the daemon writes into its log.'),
    })
    .prefault({}),
});

export type Settings = z.infer<typeof settingsSchema>;

function isSubnet24(text: string): boolean {
  try {
    return parseSubnet(text).prefixLength === 24;
  } catch {
    return false;
  }
}
