import type { Logger } from '../../core/host/index.js';
import type { ApiRules } from './api-rules.js';
import type { EngineConnection } from './http/engine-pool.js';
import type { ClientSide, Counters } from './http/exchange.js';
import type { Semaphore } from './semaphore.js';
import type { Reaching } from './reach-engine.js';
import type { Refusal } from './refusal.plan.js';

/** What one connection needs from its surroundings. */
export interface ConnectionContext extends Omit<Reaching, 'signal' | 'waitMs'> {
  /** Asked anew for each request. */
  readonly waitMs: () => number;
  /** From a head's first byte to its last; a client that says nothing while there is no engine is closed after it. */
  readonly headMs: number;
  readonly semaphore: Semaphore;
  readonly rules: ApiRules | undefined;
  readonly logger: Logger;
  readonly connId: string;
  readonly onRefusal: (refusal: Refusal, connId: string) => void;
}

/** The client whose request is served: all that the serving of it sees of its connection. */
export interface ServedClient extends ClientSide {
  readonly context: ConnectionContext;
  readonly counters: Counters;
  /** Aborted when the client is gone, or was cut. */
  readonly signal: AbortSignal;
  /** What the present request has. */
  engine: EngineConnection | undefined;
}
