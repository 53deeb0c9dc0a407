import type { ServiceStatusFields } from '../calls/service-dispatcher.js';

export interface ServiceEvents {
  /** Windows starts the service. @param args without its name */
  onStart(args: readonly string[]): void;
  /** @returns an error code. Must return at once: Windows waits for it, for all services. */
  onControl(control: number, event: number): number;
  /** No service control manager has started this process, or the connection to it failed. */
  onUnconnected(error: Error): void;
}

/** The service control manager as a service's own process sees it. Tests simulate it on any system. */
export interface ServiceSystem {
  connect(name: string, events: ServiceEvents): void;
  setStatus(status: ServiceStatusFields): void;
  /** Ends this process here and now. */
  terminate(code: number): void;
  /** From now on the connection does not keep the process alive. */
  unref(): void;
}
