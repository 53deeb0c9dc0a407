import { z } from 'zod';
import {
  formatSubnet,
  isIpv4,
  MobyvmError,
  subnetAround,
  subnetsOverlap,
  type Subnet,
} from '../../core/values/index.js';
import type { Settings } from './schema.js';

const networks = z.looseObject({
  bip: z.string().optional().catch(undefined),
  'fixed-cidr': z.string().optional().catch(undefined),
  'default-address-pools': z.array(z.looseObject({ base: z.string().catch('') })).catch([]),
});

/**
 * The engine does not start with a network that contains the VM's own address.
 * @throws MobyvmError MOBYVM_SETTINGS if a network of the engine overlaps the one between host and VM
 */
export function refuseEngineOverlap({ engine }: Pick<Settings, 'engine'>, subnet: Subnet): void {
  const { bip, 'fixed-cidr': fixed, 'default-address-pools': pools } = networks.parse(engine.daemonJson);
  const given: readonly (readonly [string, string | undefined])[] = [
    ['bip', bip],
    ['fixed-cidr', fixed],
    ...pools.map(({ base }) => ['default-address-pools', base] as const),
  ];
  for (const [name, text] of given) {
    const network = networkOf(text ?? '');
    if (network === undefined || !subnetsOverlap(network, subnet)) continue;
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `engine.daemonJson.${name} is ${text}, which overlaps ${formatSubnet(subnet)}, the network between host and VM.`,
      `Choose another network for ${name}, or another network.subnet.`,
    );
  }
}

/** What dockerd does not accept is for dockerd to name. */
function networkOf(text: string): Subnet | undefined {
  const [address = '', prefix = ''] = text.split('/');
  const length = Number(prefix);
  return isIpv4(address) && /^\d{1,2}$/.test(prefix) && length <= 32
    ? subnetAround(address, length)
    : undefined;
}
