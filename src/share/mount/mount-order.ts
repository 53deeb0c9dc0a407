import type { FileServer, FileServerPlace } from '../file-server.js';
import type { MountOrder } from '../guest-mounts.js';
import type { Share } from '../share.js';
import { mountOptions } from './mount-options.plan.js';

/** What the VM is asked to mount. @throws MobyvmError MOBYVM_SHARE_CREDENTIALS */
export async function mountOrder(
  server: FileServer,
  place: FileServerPlace,
  share: Share,
  signal: AbortSignal,
): Promise<MountOrder> {
  const [login, port] = await Promise.all([server.login(share, signal), server.port()]);
  const { id, points } = share;
  return {
    id,
    unc: server.unc(place, share),
    points,
    login,
    options: [...mountOptions(share), `port=${port}`],
  };
}
