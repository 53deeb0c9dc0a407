import type { ErrorReport } from '../../core/values/index.js';

/** `clockOffsetMs`: how far the guest's clock is ahead of the host's, if the engine reports the time. */
export interface EngineAnswer {
  readonly clockOffsetMs: number | undefined;
}

/** The engine in the VM, as far as the machine asks it anything. */
export interface EngineProbe {
  ping(signal: AbortSignal): Promise<EngineAnswer>;
  version(signal: AbortSignal): Promise<{ readonly version: string; readonly apiVersion: string }>;
}

/** Why the engine can or cannot be reached, for the engine endpoint. */
export type EngineState =
  | { readonly kind: 'ready' }
  | { readonly kind: 'starting'; readonly step: string }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
  | { readonly kind: 'stopped' };
