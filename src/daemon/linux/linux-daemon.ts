import type { DaemonPlatform } from '../host-side/daemon-platform.js';
import { linuxMachine } from './linux-machine.js';
import { listenOnUnixSocket } from './unix-listener.js';

/** Unix sockets, and a machine in QEMU. */
export const linuxDaemon: DaemonPlatform = {
  listen: listenOnUnixSocket,
  engineGroup: 'docker',
  machine: linuxMachine,
  close: () => Promise.resolve(),
};
