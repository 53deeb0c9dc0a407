import type { ManagedResource, Step } from '../../core/host/index.js';

/** A step whose files `uninstall` deletes by other means. */
export function stepResource({ id, title, run }: Step): ManagedResource {
  return {
    id,
    title,
    lifetime: 'installation',
    isRepaired: false,
    ensure: run,
    plan: () => Promise.resolve({ kind: 'none' }),
    remove: () => Promise.resolve('none'),
  };
}
