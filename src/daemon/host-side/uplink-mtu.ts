import { timeLimit, type Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';

/** A VPN that connects is noticed within this time; the VM learns of it when it renews its lease. */
const EVERY_MS = 30_000;
const READ_MS = 5_000;
/** Every IPv4 link carries this much: https://www.rfc-editor.org/rfc/rfc791#section-3.1 */
const LOWEST_BYTES = 576;

export interface UplinkMtu {
  /** The VM's MTU: `most`, or what the host's uplinks carry if that is less. */
  atMost(most: number): number;
  close(): void;
}

/** Follows the lowest MTU of the links by which the host reaches other networks. */
export async function followUplinkMtu(
  read: ((signal: AbortSignal) => Promise<number | undefined>) | undefined,
  logger: Logger,
): Promise<UplinkMtu> {
  let found: number | undefined;
  const look = async (): Promise<void> => {
    try {
      const mtuBytes = await read?.(timeLimit(READ_MS));
      if (mtuBytes !== found) logger.info('dhcp.mtu.changed', { mtuBytes });
      found = mtuBytes;
    } catch (error) {
      logger.debug('dhcp.mtu.unread', { reason: textOf(error) });
    }
  };
  await look();
  const timer = setInterval(() => void look(), EVERY_MS).unref();
  return {
    atMost: (most) => Math.max(LOWEST_BYTES, Math.min(most, found ?? most)),
    close: () => clearInterval(timer),
  };
}
