export { KvpGuestMounts, type KvpGuestMountsOptions } from './guest-mounts.js';
export {
  startFileEvents,
  type FileEvents,
  type FileEventsOptions,
  type FileEventsStatus,
} from './file-events.js';
export { heldText, type HeldContainer } from './held-containers.plan.js';
export { HeldContainers, type HeldContainersOptions } from './held-containers.js';
