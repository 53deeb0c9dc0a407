export type { ClockOccasion } from './clock.plan.js';
export { diskObstacles } from './disk-obstacles.plan.js';
export type { GuestConfiguring, GuestFacts, GuestSide } from './guest-side.js';
export { fileItemStore, setItemsAsideIfUnreadable } from './item-store.js';
export { KvpGuest, type KvpGuestOptions } from './kvp-guest.js';
export { loadToken, type MachineToken } from './token.js';
export { ShownTokens } from './shown-tokens.js';
