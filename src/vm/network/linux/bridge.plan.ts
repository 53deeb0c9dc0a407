import type { Change, Mac } from '../../../core/values/index.js';
import { planLink, type LinkFound } from './link.plan.js';

export interface BridgeWanted {
  readonly mac: Mac;
}

export type BridgeField = 'tag' | 'mac' | 'spanning-tree' | 'forward-delay' | 'ipv6' | 'up';

/** @throws MobyvmError MOBYVM_FOREIGN_OBJECT */
export function planBridge(
  name: string,
  tag: string,
  found: LinkFound | undefined,
  wanted: BridgeWanted,
): Change {
  return planLink(found, {
    name,
    isExpectedKind: (link) => link.kind === 'bridge',
    describe: (link) => link.kind ?? 'network device',
    // The host may be reached through a link of any other kind.
    removal: (link) => (link.kind === 'bridge' ? `ip link delete ${name}` : undefined),
    wrongFields: (present) => wrongBridgeFields(present, tag, wanted),
  });
}

/**
 * In the order in which they must be repaired: up last, so that a half-configured bridge carries no traffic.
 */
export function wrongBridgeFields(
  { link, ipv6Off }: LinkFound,
  tag: string,
  { mac }: BridgeWanted,
): readonly BridgeField[] {
  const wrong: Readonly<Record<BridgeField, boolean>> = {
    tag: link.alias !== tag,
    mac: link.mac !== mac,
    'spanning-tree': link.stp !== false,
    'forward-delay': link.forwardDelay !== 0,
    ipv6: !ipv6Off,
    up: !link.up,
  };
  const order: readonly BridgeField[] = ['tag', 'mac', 'spanning-tree', 'forward-delay', 'ipv6', 'up'];
  return order.filter((field) => wrong[field]);
}
