import type { Change } from '../../../core/values/index.js';
import type { HostLink } from './ip.codec.js';
import { foreignObject, type Ownership } from '../ownership.plan.js';

export interface TapWanted {
  /** The bridge that it is a port of. */
  readonly bridge: string;
}

export interface TapFound {
  readonly link: HostLink;
  readonly ipv6Off: boolean;
  readonly ownership: Ownership;
}

export type TapField = 'tag' | 'bridge' | 'ipv6' | 'up';

/** @throws MobyvmError MOBYVM_FOREIGN_OBJECT */
export function planTap(name: string, tag: string, found: TapFound | undefined, wanted: TapWanted): Change {
  if (found === undefined) return { kind: 'create' };
  const { link, ownership } = found;
  if (ownership === 'foreign' || !link.isTap || link.name !== name) {
    const what = `${link.isTap ? 'tap device' : (link.kind ?? 'network device')} "${name}"`;
    throw foreignObject(what, { tag: link.alias, removal: `ip link delete ${name}` });
  }
  const fields = wrongTapFields(found, tag, wanted);
  return fields.length === 0 ? { kind: 'none' } : { kind: 'update', fields };
}

/** In the order in which they are to be mended. */
export function wrongTapFields(
  { link, ipv6Off }: TapFound,
  tag: string,
  { bridge }: TapWanted,
): readonly TapField[] {
  const wrong: Readonly<Record<TapField, boolean>> = {
    tag: link.alias !== tag,
    ipv6: !ipv6Off,
    bridge: link.master !== bridge,
    up: !link.up,
  };
  const order: readonly TapField[] = ['tag', 'ipv6', 'bridge', 'up'];
  return order.filter((field) => wrong[field]);
}
