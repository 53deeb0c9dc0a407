import type { BackgroundStart } from '../host-side/background-start.js';
import { notOnWindowsError } from '../not-on-windows.js';

/** The places of what Windows still lacks. Each refuses by name, so that nothing runs half protected. */

/** There it will be a service that is started. */
export const backgroundService: BackgroundStart = {
  check: () => {
    throw notOnWindowsError('the service that the daemon runs in');
  },
  start: () => Promise.reject(notOnWindowsError('the service that the daemon runs in')),
};
