import type { Duplex } from 'node:stream';
import type { ErrorReport } from '../../core/values/index.js';

/**
 * Opens one connection to the Docker Engine. The stream must allow half-open use: ending its writable side
 * leaves its readable side open.
 * @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE; the signal's reason if aborted
 */
export type Dial = (signal: AbortSignal) => Promise<Duplex>;

/** Whether the engine can be reached, and if not, what to tell a client. */
export type EngineState =
  | { readonly kind: 'ready'; readonly dial: Dial }
  /** `step` continues "mobyvm is starting: …", for example "waiting for the guest's DHCP request". */
  | { readonly kind: 'starting'; readonly step: string }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
  | { readonly kind: 'stopped' };

/**
 * What the endpoint needs to know about the machine. Supplied by the daemon. INVARIANT: in `failed` and
 * `stopped` no engine can be reached, so entering one of them closes every open connection.
 */
export interface EngineAvailability {
  current(): EngineState;
  /** Calls the listener after each change, including a new step. @returns the unsubscribe function */
  onChange(listener: () => void): () => void;
}
