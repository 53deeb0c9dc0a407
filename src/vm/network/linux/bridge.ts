import type { Resource } from '../../../core/host/index.js';
import { planBridge, wrongBridgeFields, type BridgeWanted } from './bridge.plan.js';
import { changeIp } from './ip.js';
import { linkResource } from './link-resource.js';
import {
  forwardDelaySetting,
  ipv6OffSetting,
  macSetting,
  spanningTreeSetting,
  tagSetting,
  upSetting,
} from './link-settings.js';
import type { LinkFound } from './link.plan.js';
import type { Owner } from './owner.js';

/** The bridge for the VM's tap device: tagged as ours, with its own MAC, without spanning tree and IPv6. */
export function bridge(name: string, owner: Owner): Resource<BridgeWanted, LinkFound> {
  return linkResource(
    {
      id: 'network-bridge',
      title: `bridge ${name}`,
      entry: { kind: 'bridge', name },
      plan: (found, wanted: BridgeWanted) => planBridge(name, owner.tag, found, wanted),
      wrongFields: (found, wanted) => wrongBridgeFields(found, owner.tag, wanted),
      settings: (link, { mac }, ipv6) => ({
        tag: tagSetting(link, owner.tag),
        mac: macSetting(link, mac),
        'spanning-tree': spanningTreeSetting(link),
        'forward-delay': forwardDelaySetting(link),
        ipv6: ipv6OffSetting(link.name, ipv6),
        up: upSetting(link),
      }),
      create: ({ mac }) => changeIp('link', 'add', 'name', name, 'address', mac, 'type', 'bridge'),
    },
    owner,
  );
}
