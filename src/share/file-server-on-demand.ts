import type { ManagedResource } from '../core/host/index.js';
import { MobyvmError, textOf } from '../core/values/index.js';
import type { FileServer } from './file-server.js';

/**
 * A file server that is made when it is needed: one that cannot exist here, because of a path, fails as a server that
 * cannot be started, and only with shares.
 */
export function fileServerOnDemand(make: () => FileServer): FileServer {
  let made: FileServer | undefined;
  const get = (): FileServer => (made ??= make());
  return {
    resources: (place, shares) => {
      try {
        return get().resources(place, shares);
      } catch (error) {
        return shares.length === 0 ? [] : [failing(error)];
      }
    },
    unc: (place, share) => get().unc(place, share),
    port: async () => get().port(),
    login: async (share, signal) => get().login(share, signal),
    problemOf: async (place, share, signal) => {
      try {
        get();
      } catch (error) {
        const remedy = error instanceof MobyvmError ? error.remedy : '';
        return { state: 'unreachable', reason: textOf(error).replace(/\.$/, ''), remedy };
      }
      return get().problemOf(place, share, signal);
    },
    close: async () => made?.close(),
  };
}

function failing(error: unknown): ManagedResource {
  return {
    id: 'share-server',
    title: 'file server',
    lifetime: 'machine',
    isRepaired: false,
    plan: () => Promise.resolve({ kind: 'create' }),
    ensure: () => {
      throw error;
    },
    remove: () => Promise.resolve('none'),
  };
}
