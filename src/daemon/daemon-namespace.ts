import { stat } from 'node:fs/promises';
import { statIfPresent } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';

/**
 * A process cannot move into a network namespace by itself: the daemon has to be started there, or it would set
 * everything up in another one than it says.
 * @throws MobyvmError MOBYVM_USAGE when this process does not live in the namespace of that name
 */
export async function refuseOutside(name: string): Promise<void> {
  // Where a namespace has its name: ip-netns(8).
  const [own, named] = await Promise.all([stat('/proc/self/ns/net'), statIfPresent(`/run/netns/${name}`)]);
  if (named?.ino === own.ino && named.dev === own.dev) return;
  throw new MobyvmError(
    'MOBYVM_USAGE',
    named === undefined
      ? `There is no network namespace "${name}".`
      : `This daemon was not started in the network namespace "${name}".`,
    `\`mobyvm up --netns ${name}\` makes it and starts a daemon there; by hand: ip netns exec ${name} mobyvm daemon --netns ${name}`,
  );
}
