import { z } from 'zod';
import { isIpv4, isLocalSubnet, parseSubnet } from '../../core/values/index.js';
import { dnsDomains, dnsHosts, dnsServers } from './dns-settings.js';
import { engineSettingProblems } from './engine-settings.js';
import { shareSettings } from './share-settings.js';

/**
 * Interface names are at most 15 bytes (IFNAMSIZ in linux/if.h); three are reserved for the suffix of the tap
 * device.
 */
const MAX_BRIDGE_NAME = 12;

const subnet = z
  .string()
  .refine(
    (text) => text === 'auto' || isSubnet24(text),
    'must be "auto" or an IPv4 /24 network, such as 10.0.75.0/24',
  )
  .refine(
    (text) => !isSubnet24(text) || isLocalSubnet(parseSubnet(text)),
    'must be in a range for local use: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 or 198.18.0.0/15',
  );

const address = z.string().refine(isIpv4, 'must be an IPv4 address');

/** What fits into a guest configuration beside the certificates. */
const MAX_DAEMON_JSON = 32_768;

const daemonJson = z
  .record(z.string(), z.json())
  .superRefine((value, context) => {
    for (const { name, problem } of engineSettingProblems(value))
      context.addIssue({ code: 'custom', path: [name], message: problem });
  })
  .refine((value) => JSON.stringify(value).length <= MAX_DAEMON_JSON, {
    error: `must be at most ${MAX_DAEMON_JSON} characters long`,
  });

/**
 * The settings file. Names include the unit; every description ends up in docs/settings.md, which a test
 * compares.
 */
/** TCP ports of the host's address on the VM's network: DNS, shares and published ports. */
const OWN_PORTS: readonly number[] = [53, 2372, 2373, 2374];

export const settingsSchema = z.strictObject({
  vm: z
    .strictObject({
      cpus: z
        .int()
        .min(1)
        .max(64)
        .default(2)
        .describe('Number of virtual processors. An emulated VM has one, whatever this says.'),
      memoryMiB: z
        .int()
        .min(512)
        .max(1_048_576)
        .multipleOf(2)
        .default(2048)
        .describe('Memory of the VM in MiB; an even number.'),
      swapMiB: z
        .int()
        .min(0)
        .max(1_048_576)
        .default(0)
        .describe(
          'Swap space of the VM in MiB, at most `vm.memoryMiB`, compressed in its memory: programs that need a little more memory than there is become slower instead of being killed. It takes effect at the next start of the VM. None by default, because a container with a memory limit may use as much swap space again (`--memory-swap`).',
        ),
      diskGiB: z
        .int()
        .min(1)
        .max(8192)
        .default(64)
        .describe(
          'Maximum size of the data disk in GiB. The file grows as space is used. The size can be increased later but never decreased.',
        ),
      firmware: z
        .enum(['auto', 'bios', 'uefi'])
        .default('auto')
        .describe(
          'Firmware of the VM: on Hyper-V, `bios` is generation 1 and `uefi` generation 2. `auto` is `uefi` on Windows and `bios` on Linux.',
        ),
      accelerator: z
        .enum(['auto', 'kvm', 'tcg'])
        .default('auto')
        .describe(
          'QEMU only. `auto` uses KVM if a guest boots with it, otherwise software emulation (`tcg`).',
        ),
      bootTimeoutSeconds: z
        .int()
        .min(10)
        .max(3600)
        .default(240)
        .describe('Time limit in seconds for each stage of the start (kernel, address, Docker Engine).'),
      stopTimeoutSeconds: z
        .int()
        .min(0)
        .max(600)
        .default(180)
        .describe(
          'How long the guest may take to shut down before it is powered off, in seconds. Containers get this time less 60 s (half of it, below 120 s); those that still run then are killed, also with a longer `--stop-timeout`. The guest learns a new value at its next start. 0 powers it off at once.',
        ),
    })
    .refine(({ swapMiB, memoryMiB }) => swapMiB <= memoryMiB, {
      path: ['swapMiB'],
      error: 'must be at most vm.memoryMiB',
    })
    .prefault({}),
  machine: z
    .strictObject({
      onDown: z
        .enum(['save', 'stop'])
        .default('save')
        .describe(
          'What `mobyvm down`, and the end of the daemon, do with the VM: `save` writes its memory to disk, so that its containers run on after the next `up`, within seconds; `stop` shuts it down. `mobyvm down --stop` and `mobyvm restart` always shut it down.',
        ),
    })
    .prefault({}),
  network: z
    .strictObject({
      subnet: subnet
        .default('auto')
        .describe(
          'Network between host and VM: an IPv4 /24 in a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16), 100.64.0.0/10 or 198.18.0.0/15; or `auto` for 10.0.75.0/24 if it is free, otherwise another free network.',
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
          'Windows only. The NAT network of the VM: `auto` uses an existing one that contains the subnet, or creates one; `none` does not create one.',
        ),
      mtuBytes: z
        .int()
        .min(576)
        .max(9000)
        .default(1500)
        .describe(
          "MTU in bytes, sent to the VM by DHCP. On Linux the VM gets the lowest MTU of the host's uplinks (default routes and tunnels) if that is lower, at its next renewal of the lease.",
        ),
      leaseSeconds: z
        .int()
        .min(60)
        .max(31_536_000)
        .default(600)
        .describe(
          'Duration of the DHCP lease in seconds. The VM renews it after half of that time, and then learns of a changed search list or MTU. A lease that runs out, because the daemon did not run meanwhile, takes no address away.',
        ),
      domain: z
        .string()
        .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i, 'must be a domain name')
        .default('mobyvm.internal')
        .describe('Domain name, sent to the VM by DHCP.'),
      dnsServers: dnsServers
        .default([])
        .describe(
          "DNS servers to use, IPv4 or IPv6, as `192.0.2.1`, `192.0.2.1:5353` or `[2001:db8::1]:5353`; empty means the host's.",
        ),
      dnsDomains: dnsDomains
        .default({})
        .describe(
          'DNS servers of single domains: `{"corp.example": ["10.1.1.1"], "consul": ["127.0.0.1:8600"]}`. They are asked for the domain and all names below it; the longest matching domain wins. Also for domains in `.local`, which otherwise has no DNS servers.',
        ),
      ntpServers: z
        .array(address)
        .max(8)
        .default([])
        .describe(
          "NTP servers, sent to the VM by DHCP for programs that ask for them. The VM itself takes the host's time.",
        ),
      hostLoopbackPorts: z
        .array(
          z
            .int()
            .min(1)
            .max(65_535)
            .refine((port) => !OWN_PORTS.includes(port), 'is a port of mobyvm itself on this address'),
        )
        .max(256)
        .default([])
        .describe(
          "TCP ports on the host's 127.0.0.1 that containers can reach as `host.docker.internal:PORT`; none by default.",
        ),
    })
    .prefault({}),
  dns: z
    .strictObject({
      useHostsFile: z
        .boolean()
        .default(true)
        .describe("Whether containers find the names in the host's hosts file."),
      hosts: dnsHosts
        .default({})
        .describe(
          'More names for containers, with one address or a list: `{"db.test": "192.0.2.7", "web.test": ["192.0.2.8", "2001:db8::8"]}`. They take precedence over all others.',
        ),
    })
    .prefault({}),
  ports: z
    .strictObject({
      exposeTo: z
        .enum(['lan', 'localhost'])
        .default('lan')
        .describe(
          'Where a port published without an address (`-p 80:80`, `0.0.0.0`, `[::]`) is reachable: `lan`, as with Docker, on every address of the host; `localhost` from the host only.',
        ),
    })
    .prefault({}),
  image: z
    .strictObject({
      directory: z
        .string()
        .optional()
        .describe(
          'Folder with `mobyvm.iso` and `manifest.json`, as an absolute path (`/srv/image`; on Windows `C:\\image` or `\\\\server\\share\\image`); defaults to the output folder of `mobyvm image build`.',
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
          'How long a request of a Docker client waits for a VM that is starting or restarting before it fails with the current step, in seconds. The further requests of the same command fail at once then.',
        ),
      daemonJson: daemonJson
        .default({})
        .describe(
          "Settings of the Docker Engine, as in its `daemon.json`; they take effect at the next start of the VM. mobyvm itself sets the engine's listening addresses, TLS, folders and programs; `userland-proxy`, `iptables` and `ip-forward` cannot be switched off. Unknown names, and networks that overlap `network.subnet`, are refused.",
        ),
    })
    .prefault({}),
  share: shareSettings.prefault({}),
  api: z
    .strictObject({
      showHostPaths: z
        .boolean()
        .default(true)
        .describe(
          'Whether responses and errors of the Docker Engine show bind mount paths as on the host (`C:\\site`) or as in the VM (`/C/site`).',
        ),
    })
    .prefault({}),
  dashboard: z
    .strictObject({
      port: z
        .union([z.enum(['auto', 'off']), z.int().min(1024).max(65_535)])
        .default('auto')
        .describe(
          'TCP port of the dashboard on 127.0.0.1. `auto` is a free port, opened by the first `mobyvm dashboard` and kept from then on; a number is opened by the daemon at its start; `off` opens none.',
        ),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Log level of the daemon.'),
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
