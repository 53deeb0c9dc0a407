/** What the engine's `daemon.json` may have in the settings (`engine.daemonJson`). */

/**
 * https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file. A name that dockerd does not know
 * keeps it from starting, so it is refused before a running engine is stopped.
 */
const KNOWN: readonly string[] = `
  allow-direct-routing allow-nondistributable-artifacts api-cors-header authorization-plugins bip bip6 bridge
  bridge-accept-fwmark builder cdi-spec-dirs cgroup-parent cpu-rt-period cpu-rt-runtime debug default-address-pools
  default-cgroupns-mode default-gateway default-gateway-v6 default-ipc-mode default-network-opts default-runtime
  default-shm-size default-ulimits dns dns-opts dns-search exec-opts experimental features fixed-cidr fixed-cidr-v6
  group host-gateway-ip host-gateway-ips http-proxy https-proxy icc init init-path insecure-registries ip ip-forward
  ip-forward-no-drop ip-masq ip6tables iptables ipv6 labels live-restore log-driver log-format log-level log-opts
  max-concurrent-downloads max-concurrent-uploads max-download-attempts metrics-addr min-api-version mtu
  network-control-plane-mtu network-diagnostic-port no-new-privileges no-proxy node-generic-resources proxies raw-logs
  registry-mirrors runtimes seccomp-profile selinux-enabled shutdown-timeout storage-driver storage-opts
  swarm-default-advertise-addr userland-proxy userns-remap
`
  .trim()
  .split(/\s+/);

/** dockerd refuses to start if some of these are set both in daemon.json and on its command line. */
const GUEST_OWNS: readonly string[] = `
  hosts tls tlsverify tlscacert tlscert tlskey pidfile data-root exec-root graph rootless userland-proxy-path validate
  containerd containerd-namespace containerd-plugin-namespace containerd-plugins-namespace cri-containerd
`
  .trim()
  .split(/\s+/);

/** Published ports rely on what these switch off. */
const NEEDED: readonly string[] = ['userland-proxy', 'iptables', 'ip-forward'];

export interface EngineSettingProblem {
  readonly name: string;
  /** Completes a sentence that begins with the name. */
  readonly problem: string;
}

export function engineSettingProblems(
  settings: Readonly<Record<string, unknown>>,
): readonly EngineSettingProblem[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (GUEST_OWNS.includes(name)) return [{ name, problem: 'must not be set: mobyvm sets it in the guest' }];
    if (!KNOWN.includes(name))
      return [{ name, problem: `is not a setting of the Docker Engine${suggestion(name)}` }];
    if (NEEDED.includes(name) && value === false)
      return [{ name, problem: 'must not be false: published ports need it' }];
    return [];
  });
}

/** Most unknown names are a known one in another number or spelling. */
function suggestion(name: string): string {
  const bare = (text: string): string =>
    text
      .toLowerCase()
      .replaceAll(/[-_\s]/g, '')
      .replace(/(es|s)$/, '');
  const near = KNOWN.find((known) => bare(known) === bare(name));
  return near === undefined ? '' : `; did you mean ${near}?`;
}
