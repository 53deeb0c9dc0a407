import { MobyvmError } from '../../core/values/index.js';
import { encodeGuestConfiguration, secretsOf, type GuestConfiguration } from './configuration.codec.js';
import type { KvpExchange } from '../exchange.js';
import { askGuest, type GuestRequestOptions } from './guest-request.js';
import { CONFIGURATION_NAME } from './names.js';

export interface ApplyConfigurationOptions extends GuestRequestOptions {
  /** For everything together: the guest's agent comes, applies and answers. */
  readonly timeoutSeconds: number;
  /** Asked when the guest is ready; the time that the guest's clock is set to. Left out, the clock is left alone. */
  readonly nowMs?: () => number;
  /** Throws when waiting longer is pointless (the VM is gone). */
  readonly giveUp?: () => void;
}

const HINT = 'Look at `mobyvm console --lines 200` for mobyvm-config, then try `mobyvm restart`.';

/**
 * Gives the guest its configuration and waits until it has applied it. None of it stays in the host's items, even
 * after a failure.
 * @throws MobyvmError MOBYVM_GUEST_CONFIGURATION if the guest refuses it or does not answer; `details.code` is the guest's
 */
export async function applyConfiguration(
  exchange: KvpExchange,
  configuration: Omit<GuestConfiguration, 'timeMs'>,
  { nowMs, timeoutSeconds, giveUp, ...options }: ApplyConfigurationOptions,
): Promise<void> {
  const body = (): Uint8Array =>
    encodeGuestConfiguration(nowMs === undefined ? configuration : { ...configuration, timeMs: nowMs() });
  const result = await askGuest(
    exchange,
    {
      name: CONFIGURATION_NAME,
      body,
      timeoutSeconds,
      hint: HINT,
      title: 'the guest to apply its configuration',
      code: 'MOBYVM_GUEST_CONFIGURATION',
      ...(giveUp === undefined ? {} : { giveUp }),
    },
    options,
  );
  if (result.ok) return;
  const text = masked(result.text, secretsOf(configuration));
  throw new MobyvmError(
    'MOBYVM_GUEST_CONFIGURATION',
    `The guest could not apply its configuration (${result.code}): ${text}`,
    HINT,
    { details: { code: result.code, errno: result.errno } },
  );
}

/** The guest is not trusted to keep secrets out of its message. */
function masked(text: string, secrets: readonly string[]): string {
  return secrets.reduce((all, secret) => all.replaceAll(secret, '***'), text);
}
