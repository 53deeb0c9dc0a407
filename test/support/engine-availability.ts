import type { EngineAvailability, EngineState } from '../../src/proxy/engine/index.js';

/** What the daemon would be: a state that the test sets. */
export interface SettableAvailability extends EngineAvailability {
  set(state: EngineState): void;
  /** How many listen for changes now. */
  listeners(): number;
}

export function settableAvailability(initial: EngineState): SettableAvailability {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    current: () => state,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set(next) {
      state = next;
      for (const listener of [...listeners]) listener();
    },
    listeners: () => listeners.size,
  };
}
