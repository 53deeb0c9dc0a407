import { createHash, randomBytes } from 'node:crypto';
import { isSameSecret } from '../../core/host/index.js';

/** How long after the start of a daemon the token of the one before can be exchanged. */
const EXCHANGE_MS = 10 * 60_000;

/**
 * What the dashboard shows that its user may use the control API: a new token for each daemon. It is kept in memory
 * only. A page that was open while the daemon was restarted exchanges the token of the daemon before, whose digest is
 * left in the state folder.
 */
export class AccessToken {
  readonly value = randomBytes(32).toString('base64url');
  readonly #previousDigest: string | undefined;
  readonly #startedMs: number;
  readonly #nowMs: () => number;

  constructor(previousDigest: string | undefined, nowMs: () => number = () => performance.now()) {
    this.#previousDigest = previousDigest;
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  get digest(): string {
    return digestOf(this.value);
  }

  accepts(given: string | undefined): boolean {
    return given !== undefined && isSameSecret(given, this.value);
  }

  /** Whether it is the present token, or that of the daemon before while it can be exchanged. */
  acceptsForExchange(given: string | undefined): boolean {
    if (this.accepts(given)) return true;
    const isLate = this.#nowMs() - this.#startedMs > EXCHANGE_MS;
    return given !== undefined && !isLate && isSameSecret(digestOf(given), this.#previousDigest);
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
