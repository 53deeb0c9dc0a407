import type { ManagedResource } from '../../src/core/host/index.js';
import type { DhcpLease } from '../../src/proxy/index.js';
import type { ServicesForGuest } from '../../src/daemon/host-side/guest-services.js';

/** DNS, DHCP and ports of a host whose addresses do not exist here: they only record whether they are up. */
export class FakeServices implements ServicesForGuest {
  isUp = false;
  readonly askedForAddress = true;
  readonly hasLease = true;
  readonly dns = undefined;

  leases(): readonly DhcpLease[] {
    return [];
  }

  expectLease(): void {
    // The simulated guest always has one.
  }

  hostServices() {
    return [{ protocol: 'tcp', port: 2374 }] as const;
  }

  resources(): readonly ManagedResource[] {
    return [
      {
        id: 'services',
        title: 'services for the guest',
        lifetime: 'machine',
        isRepaired: false,
        plan: () => Promise.resolve({ kind: this.isUp ? 'none' : 'create' }),
        ensure: ({ onFailure }) => {
          if (this.isUp) return Promise.resolve('none');
          this.isUp = true;
          onFailure(() => this.close());
          return Promise.resolve('create');
        },
        remove: async () => {
          const wasUp = this.isUp;
          await this.close();
          return wasUp ? 'remove' : 'none';
        },
      },
    ];
  }

  close(): Promise<void> {
    this.isUp = false;
    return Promise.resolve();
  }
}
