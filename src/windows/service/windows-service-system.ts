import { Worker } from 'node:worker_threads';
import type { Handle } from '../calls/libraries.js';
import {
  handleControls,
  serviceMainOf,
  setStatus,
  terminateSelf,
  type ServiceStatusFields,
} from '../calls/service-dispatcher.js';
import { errorText } from '../calls/last-error.js';
import { WindowsCallError } from '../windows-call-error.js';
import type { DispatcherData } from './dispatcher-worker.js';
import type { ServiceEvents, ServiceSystem } from './service-system.js';

/**
 * The service control manager of Windows. Its dispatcher takes a thread until the service has stopped: a worker, so
 * that neither the event loop nor libuv's pool waits. What Windows calls runs on this thread.
 */
export class WindowsServiceSystem implements ServiceSystem {
  #handle: Handle | undefined;
  #worker: Worker | undefined;

  connect(name: string, events: ServiceEvents): void {
    const serviceMain = serviceMainOf(([, ...args]) => {
      this.#handle = handleControls(name, (control, event) => events.onControl(control, event));
      events.onStart(args);
    });
    const workerData: DispatcherData = { name, serviceMain };
    const worker = new Worker(new URL('./dispatcher-worker.js', import.meta.url), { workerData });
    this.#worker = worker;
    worker.once('message', (code: number) =>
      events.onUnconnected(new WindowsCallError('StartServiceCtrlDispatcherW', code, errorText(code))),
    );
    worker.once('error', (error) => events.onUnconnected(error));
  }

  setStatus(status: ServiceStatusFields): void {
    if (this.#handle !== undefined) setStatus(this.#handle, status);
  }

  terminate(code: number): void {
    terminateSelf(code);
  }

  unref(): void {
    this.#worker?.unref();
  }
}
