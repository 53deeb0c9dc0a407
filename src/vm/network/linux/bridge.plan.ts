import type { Change, Mac } from '../../../core/values/index.js';
import type { HostLink } from './ip.codec.js';
import { foreignObject, type Ownership } from '../ownership.plan.js';

export interface BridgeWanted {
  readonly mac: Mac;
}

export interface BridgeFound {
  readonly link: HostLink;
  readonly ipv6Off: boolean;
  readonly ownership: Ownership;
}

export type BridgeField = 'tag' | 'mac' | 'spanning-tree' | 'forward-delay' | 'ipv6' | 'up';

/** @throws MobyvmError MOBYVM_FOREIGN_OBJECT */
export function planBridge(
  name: string,
  tag: string,
  found: BridgeFound | undefined,
  wanted: BridgeWanted,
): Change {
  if (found === undefined) return { kind: 'create' };
  const { link, ownership } = found;
  if (ownership === 'foreign' || link.kind !== 'bridge' || link.name !== name) {
    const what = `${link.kind ?? 'network device'} "${name}"`;
    // Of any other kind it may be what this host is reached by.
    const removal = link.kind === 'bridge' ? `ip link delete ${name}` : undefined;
    throw foreignObject(what, { tag: link.alias, removal });
  }
  const fields = wrongBridgeFields(found, tag, wanted);
  return fields.length === 0 ? { kind: 'none' } : { kind: 'update', fields };
}

/** In the order in which they are to be mended: up last, so that nothing works half configured. */
export function wrongBridgeFields(
  { link, ipv6Off }: BridgeFound,
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
