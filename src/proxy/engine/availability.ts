import type { Duplex } from 'node:stream';
import type { ErrorReport } from '../../core/values/index.js';

/**
 * Opens one connection to the Docker Engine: TCP to the VM, TLS, or whatever carries bytes both ways. The stream must
 * allow half-open use: ending its writable side leaves its readable side alive.
 * @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE; the signal's reason when aborted
 */
export type Dial = (signal: AbortSignal) => Promise<Duplex>;

/** Whether there is an engine to talk to, and if not, what a client is to be told. */
export type EngineState =
  | { readonly kind: 'ready'; readonly dial: Dial }
  /** `step` continues "mobyvm is starting: …", for example "waiting for the guest's DHCP request". */
  | { readonly kind: 'starting'; readonly step: string }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
  | { readonly kind: 'stopped' };

/**
 * What the endpoint must know about the machine; the daemon supplies it. INVARIANT: in `failed` and `stopped` no
 * engine can be reached, so entering one of them cuts every open connection.
 */
export interface EngineAvailability {
  current(): EngineState;
  /** Calls the listener after each change, a new step included; returns what ends that. */
  onChange(listener: () => void): () => void;
}
