import type { Resource } from '../../../core/host/index.js';
import {
  changeAddresses,
  describeAddress,
  formatAddress,
  planAddress,
  type AddressFound,
  type AddressWanted,
} from './bridge-address.plan.js';
import { changeIp, listAddresses } from './ip.js';
import type { Owner } from './owner.js';

const KIND = 'bridge-address';

/** The host's address on the bridge. Other addresses there are left alone and reported. */
export function bridgeAddress(bridge: string, owner: Owner): Resource<AddressWanted, AddressFound> {
  const entryOf = (address: string) => ({ kind: KIND, name: `${bridge} ${address}` });

  async function restoreEntry(address: string): Promise<void> {
    await owner.remember(entryOf(address));
  }

  async function observe(signal?: AbortSignal): Promise<AddressFound | undefined> {
    const present = await presentOn(bridge, signal);
    const ours: string[] = [];
    for (const address of present) if (await owner.made(entryOf(address))) ours.push(address);
    return present.length === 0 ? undefined : { present, ours };
  }

  return {
    id: 'network-address',
    title: `the host's address on ${bridge}`,
    observe: ({ signal }) => observe(signal),
    plan: planAddress,
    async ensure(wanted, found, context) {
      const { add, remove, foreign } = changeAddresses(found, wanted);
      context.progress(describeAddress(wanted));
      if (foreign.length > 0) {
        context.progress(`${bridge} also has other addresses: ${foreign.join(', ')}`);
        owner.logger.warn('network.address.foreign', { bridge, addresses: foreign.join(' ') });
      }
      for (const address of remove) {
        context.signal.throwIfAborted();
        const ours = await owner.made(entryOf(address));
        const before = await presentOn(bridge);
        await deleteAddress(bridge, address);
        context.onFailure(() => restoreAddresses(bridge, before));
        await restoreAddresses(bridge, before, address);
        await owner.forget(entryOf(address));
        if (ours) context.onFailure(() => restoreEntry(address));
      }
      for (const address of add) {
        context.signal.throwIfAborted();
        context.onFailure(await owner.remember(entryOf(address)));
        await addAddress(bridge, address);
        context.onFailure(() => removeAddress(bridge, address));
      }
    },
    async remove({ signal }) {
      const ours = (await observe(signal))?.ours ?? [];
      for (const address of ours) await removeAddress(bridge, address);
      for (const entry of await owner.recorded(KIND)) {
        if (entry.name.startsWith(`${bridge} `)) await owner.forget(entry);
      }
      return ours.length === 0 ? 'none' : 'remove';
    },
  };
}

async function presentOn(bridge: string, signal?: AbortSignal): Promise<readonly string[]> {
  const all = await listAddresses(signal);
  return all.filter(({ device }) => device === bridge).map(formatAddress);
}

function addAddress(bridge: string, address: string): Promise<void> {
  return changeIp('address', 'add', address, 'dev', bridge);
}

function deleteAddress(bridge: string, address: string): Promise<void> {
  return changeIp('address', 'delete', address, 'dev', bridge);
}

async function removeAddress(bridge: string, address: string): Promise<void> {
  const before = await presentOn(bridge);
  await deleteAddress(bridge, address);
  await restoreAddresses(bridge, before, address);
}

/**
 * The kernel drops all addresses of a network together with its primary one: adds back those of `before` but
 * `except`.
 */
async function restoreAddresses(bridge: string, before: readonly string[], except?: string): Promise<void> {
  const present = await presentOn(bridge);
  for (const address of before) {
    if (address !== except && !present.includes(address)) await addAddress(bridge, address);
  }
}
