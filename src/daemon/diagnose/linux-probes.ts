import { readFile } from 'node:fs/promises';
import { run } from '../../core/host/index.js';
import type { InstancePaths } from '../../protocol/paths.js';
import { file } from './file-probes.js';
import type { Probe, ProbeGroup } from './probe.js';

type Row = readonly [
  id: string,
  title: string,
  group: ProbeGroup,
  program: string,
  ...args: readonly string[],
];

const SECONDS = 10;
const FILE_BYTES = 256 * 1024;
const FORWARDING = ['net.ipv4.ip_forward', 'net.ipv4.conf.all.forwarding', 'net.ipv4.conf.all.rp_filter'];

/** What `run` takes from the network that the machine is in: the host's, or that of a namespace. */
const NETWORK: readonly Row[] = [
  ['links', 'Links', 'network', 'ip', '-details', 'link', 'show'],
  ['addresses', 'Addresses', 'network', 'ip', 'address', 'show'],
  ['routes', 'Routes', 'network', 'ip', 'route', 'show', 'table', 'all'],
  ['rules', 'Routing rules', 'network', 'ip', 'rule', 'show'],
  ['neighbours', 'Neighbours', 'network', 'ip', 'neighbour', 'show'],
  ['firewall', 'Firewall and NAT', 'network', 'nft', 'list', 'ruleset'],
  ['ports', 'Ports in use', 'network', 'ss', '--listening', '--numeric', '--tcp', '--udp', '--processes'],
  ['forwarding', 'Forwarding', 'network', 'sysctl', ...FORWARDING],
];

export interface LinuxProbesOptions {
  readonly paths: InstancePaths;
  /** The network namespace that the machine is in, if any. */
  readonly namespace: string | undefined;
  readonly dataDisk: string;
}

export function linuxProbes({ paths, namespace, dataDisk }: LinuxProbesOptions): readonly Probe[] {
  const host: readonly Row[] = [
    ['system', 'System', 'host', 'uname', '-a'],
    // Without arguments, which may hold other programs' secrets.
    ['processes', 'Processes', 'host', 'ps', '-eo', 'pid,ppid,user,stat,etime,rss,comm'],
    ['file-systems', 'Disk space', 'host', 'df', '-h', '--output=target,fstype,size,used,avail,pcent'],
    ['inodes', 'Files that fit', 'host', 'df', '--output=target,itotal,iused,iavail'],
    ['data-disk', 'Data disk', 'vm', 'qemu-img', 'info', '--force-share', dataDisk],
    ['qemu-version', 'QEMU', 'vm', 'qemu-system-x86_64', '--version'],
    ['nft-version', 'nftables', 'network', 'nft', '--version'],
    ['samba-version', 'Samba', 'shares', 'smbd', '--version'],
  ];
  return [
    ...host.map((row) => program(row)),
    ...NETWORK.map((row) => program(row)),
    ...(namespace === undefined ? [] : NETWORK.map((row) => program(inNamespace(row, namespace)))),
    file(['os-release', 'Distribution', 'host'], '/etc/os-release', FILE_BYTES),
    file(['memory', 'Memory', 'host'], '/proc/meminfo', FILE_BYTES),
    file(['resolv-conf', 'Resolver configuration', 'names'], paths.resolvConf, FILE_BYTES),
    file(['qemu-log', "QEMU's messages", 'logs'], paths.qemuLog, FILE_BYTES),
    file(['samba-log', "Samba's messages", 'logs'], `${paths.logDir}/samba.log`, FILE_BYTES),
    devices(),
  ];
}

function program([id, title, group, name, ...args]: Row): Probe {
  return {
    id,
    title,
    group,
    seconds: SECONDS,
    look: async (signal) => {
      // A program that fails halfway, as `df` on a dead share, has printed the rest.
      const { stdout, stderr, exitCode } = await run(name, args, { signal, acceptExitCodes: ANY });
      const failure = exitCode === 0 ? '' : `(exit code ${exitCode})\n`;
      return { text: `$ ${[name, ...args].join(' ')}\n${stdout}${stderr}${failure}` };
    },
  };
}

const ANY = Array.from({ length: 256 }, (_, code) => code);

function inNamespace([id, title, group, name, ...args]: Row, namespace: string): Row {
  return [
    `namespace-${id}`,
    `${title} in the network namespace`,
    group,
    'ip',
    'netns',
    'exec',
    namespace,
    name,
    ...args,
  ];
}

/** Whether the devices are there that QEMU and the VM's network need. */
function devices(): Probe {
  return {
    id: 'devices',
    title: 'Devices',
    group: 'host',
    seconds: SECONDS,
    look: async (signal) => {
      const { stdout, stderr } = await run('ls', ['-l', '/dev/kvm', '/dev/net/tun'], {
        signal,
        acceptExitCodes: ANY,
      });
      const cpu = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
      const flags = /^flags.*$/m.exec(cpu)?.[0] ?? '';
      const virtualization = flags.match(/\b(?:vmx|svm|hypervisor)\b/g)?.join(' ') ?? 'none';
      return { text: `${stdout}${stderr}processor flags for virtualization: ${virtualization}\n` };
    },
  };
}
