import type { SimulatedNetwork } from '../hyperv-host/network-cmdlets.js';
import type { NetworkNamespace } from '../netns.js';

const NAT_TABLE = 'windows_nat';
const DEVICE_CHARACTERS = 15;

/** Makes switches, their addresses and NAT networks of the simulated host real, in a network namespace. */
export class NamespaceNetwork {
  readonly #bridges = new Map<string, Set<string>>();
  #nats = '';
  #applying: Promise<void> = Promise.resolve();

  constructor(readonly namespace: NetworkNamespace) {}

  /** One call after the other. */
  apply(network: SimulatedNetwork): Promise<void> {
    const applied = this.#applying.then(() => this.#apply(network));
    this.#applying = applied.catch(() => undefined);
    return applied;
  }

  /** Connects a machine. @returns the device */
  async addTap(device: string, switchName: string): Promise<string> {
    await this.removeTap(device);
    await this.namespace.ip('tuntap', 'add', device, 'mode', 'tap');
    await this.namespace.ip('link', 'set', device, 'master', deviceOf(switchName), 'up');
    return device;
  }

  async removeTap(device: string): Promise<void> {
    const devices = await this.devices();
    if (devices.includes(device)) await this.namespace.ip('link', 'del', device);
  }

  /** The names of all devices in the namespace. */
  async devices(): Promise<readonly string[]> {
    const found = JSON.parse(await this.namespace.ip('-j', 'link')) as { readonly ifname: string }[];
    return found.map(({ ifname }) => ifname).sort();
  }

  async #apply({ switches, adapters, nats }: SimulatedNetwork): Promise<void> {
    const devices = new Map(switches.map(({ id, name }) => [deviceOf(name), id]));
    for (const device of [...this.#bridges.keys()]) {
      if (devices.has(device)) continue;
      await this.namespace.ip('link', 'del', device);
      this.#bridges.delete(device);
    }
    for (const [device, id] of devices) {
      if (!this.#bridges.has(device)) await this.namespace.addBridge(device);
      const present = this.#bridges.get(device) ?? new Set();
      this.#bridges.set(device, present);
      const wanted = adapters
        .filter(({ switchId }) => switchId === id)
        .flatMap(({ addresses }) => addresses.map((each) => `${each.address}/${each.prefixLength}`))
        .filter((address) => !address.startsWith('169.254.'));
      await this.#address(device, present, wanted);
    }
    await this.#translate(nats.map(({ prefix }) => prefix));
  }

  async #address(device: string, present: Set<string>, wanted: readonly string[]): Promise<void> {
    for (const address of [...present]) {
      if (wanted.includes(address)) continue;
      await this.namespace.ip('addr', 'del', address, 'dev', device);
      present.delete(address);
    }
    for (const address of wanted) {
      if (present.has(address)) continue;
      await this.namespace.ip('addr', 'add', address, 'dev', device);
      present.add(address);
    }
  }

  async #translate(prefixes: readonly string[]): Promise<void> {
    const rules = prefixes.map((prefix) => `ip saddr ${prefix} ip daddr != ${prefix} masquerade`).join('\n');
    if (rules === this.#nats) return;
    const chain = `chain out { type nat hook postrouting priority srcnat\n${rules}\n}`;
    const remove = `table ip ${NAT_TABLE} {}\ndelete table ip ${NAT_TABLE}\n`;
    const input = rules === '' ? remove : `${remove}table ip ${NAT_TABLE} {\n${chain}\n}\n`;
    await this.namespace.run('nft', ['-f', '-'], { input });
    await this.namespace.run('sysctl', ['-qw', `net.ipv4.ip_forward=${rules === '' ? 0 : 1}`]);
    this.#nats = rules;
  }
}

function deviceOf(switchName: string): string {
  return `vEth-${switchName}`.slice(0, DEVICE_CHARACTERS);
}
