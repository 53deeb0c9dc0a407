import { SerialQueue, type Logger } from '../../core/host/index.js';
import { isAbort, MobyvmError, textOf } from '../../core/values/index.js';
import {
  askGuest,
  encodeShareRequest,
  shareRequestName,
  type GuestResult,
  type KvpExchange,
  type ShareRequest,
} from '../../kvp/index.js';
import {
  guestShareError,
  type GuestLink,
  type GuestMounts,
  type MountHealth,
  type MountOrder,
  type MountOutcome,
  type MountStep,
} from '../../share/index.js';
import { GuestHealth } from './guest-health.js';

export interface KvpGuestMountsOptions {
  readonly exchange: KvpExchange;
  readonly logger: Logger;
  /** For one request, the wait for the guest's agent included; 60 if absent. */
  readonly timeoutSeconds?: number;
}

/** A person waits for what becomes of a bind. */
const ANSWER_EVERY_MS = 100;

const STEPS: readonly MountStep[] = ['tcp', 'negotiate', 'login', 'tree', 'mount'];

/** Mounts by requests over the key-value exchange; health over the link that {@link attach} is given. */
export class KvpGuestMounts implements GuestMounts {
  readonly #options: KvpGuestMountsOptions;
  readonly #health: GuestHealth;
  /** Requests of one share have the same items, so only one of them can be under way. */
  readonly #queues = new Map<string, SerialQueue>();

  constructor(options: KvpGuestMountsOptions) {
    this.#options = options;
    this.#health = new GuestHealth(options.logger);
  }

  /** For each link of the purpose `share-health` that the link server hands out. */
  attach(link: GuestLink): void {
    this.#health.attach(link);
  }

  async mount(order: MountOrder, signal: AbortSignal): Promise<MountOutcome> {
    const { user, domain, password } = order.login;
    const { unc, points, options } = order;
    const request = { op: 'mount', unc, points, user, domain, options, password } as const;
    const result = await this.#ask(order.id, request, signal);
    if (result.ok) return { ok: true };
    // The guest is not trusted to keep the password out of its text.
    const text = password === '' ? result.text : result.text.replaceAll(password, '***');
    const step = STEPS.find((each) => each === result.code);
    if (step === undefined) throw refusedError(order.id, text);
    return { ok: false, step, errno: result.errno, text };
  }

  async unmount(id: string, points: readonly string[], signal: AbortSignal): Promise<void> {
    const result = await this.#ask(id, { op: 'umount', points }, signal);
    if (!result.ok) throw refusedError(id, result.text);
  }

  probe(id: string, signal: AbortSignal): Promise<MountHealth> {
    return this.#health.probe(id, signal);
  }

  onHealth(listener: (id: string, health: MountHealth) => void): () => void {
    return this.#health.onHealth(listener);
  }

  async #ask(id: string, request: ShareRequest, signal: AbortSignal): Promise<GuestResult> {
    const { exchange, logger, timeoutSeconds = 60 } = this.#options;
    const body = encodeShareRequest(request);
    const queue = this.#queues.get(id) ?? new SerialQueue();
    this.#queues.set(id, queue);
    const asked = {
      name: shareRequestName(id),
      body: () => body,
      timeoutSeconds,
      everyMs: ANSWER_EVERY_MS,
      title: `the VM to ${request.op} ${id}`,
      code: 'MOBYVM_SHARE_GUEST',
      hint: 'Check `mobyvm status` and `mobyvm console`, then try again.',
    } as const;
    try {
      return await queue.run(() => askGuest(exchange, asked, { signal, logger }), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isAbort(error) || (error instanceof MobyvmError && error.code === 'MOBYVM_SHARE_GUEST'))
        throw error;
      throw guestShareError(`The VM could not be asked to ${request.op} ${id}: ${textOf(error)}`, error);
    }
  }
}

function refusedError(id: string, text: string): MobyvmError {
  return guestShareError(`The VM refused the request for ${id}: ${text}.`);
}
