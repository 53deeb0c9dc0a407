import type { Change } from '../../../core/values/index.js';
import { planLink, type LinkFound } from './link.plan.js';

export interface TapWanted {
  /** The bridge that it is a port of. */
  readonly bridge: string;
}

export type TapField = 'tag' | 'bridge' | 'ipv6' | 'up';

/** @throws MobyvmError MOBYVM_FOREIGN_OBJECT */
export function planTap(name: string, tag: string, found: LinkFound | undefined, wanted: TapWanted): Change {
  return planLink(found, {
    name,
    isExpectedKind: (link) => link.isTap,
    describe: (link) => (link.isTap ? 'tap device' : (link.kind ?? 'network device')),
    removal: () => `ip link delete ${name}`,
    wrongFields: (present) => wrongTapFields(present, tag, wanted),
  });
}

/** In the order in which they must be repaired. */
export function wrongTapFields(
  { link, ipv6Off }: LinkFound,
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
