import type { DhcpLease, DhcpServer } from '../../proxy/index.js';

/**
 * Whether the guest took its address since its start. The DHCP server itself remembers the lease of an earlier boot as well:
 * that one says nothing about the guest that boots now.
 */
export class LeaseSinceStart {
  #isTaken = false;

  /** A VM is about to start: only later leases count. */
  expect(): void {
    this.#isTaken = false;
  }

  follow(server: Pick<DhcpServer, 'onLease'>): void {
    server.onLease(({ state }) => {
      this.#isTaken = state === 'bound';
    });
  }

  /** @param leases as the server has them now: a lease that was taken may have run out since */
  holds(leases: readonly DhcpLease[]): boolean {
    return this.#isTaken && leases.some(({ state }) => state === 'bound');
  }
}
