import { readFileSync } from 'node:fs';
import type { HostPlatform } from '../protocol/platform.js';

/** How the outer process of `--netns` asks the daemon inside to stop. Unlike the others it never means "at once". */
export const PASSED_ON = 'SIGUSR2';

/** Called at each request; `isRepeatable` means that it doesn't count as impatience beside another one. */
type Listener = (isRepeatable: boolean) => void;
type Signals = Pick<NodeJS.Process, 'on'>;

/** The ways in which a platform asks a process to stop. The stop of a Windows service will be one more of them. */
export function listenForStop(platform: HostPlatform, process: Signals, listener: Listener): void {
  for (const listen of STOP_REQUESTS[platform]) listen(process, listener);
}

type StopRequest = (process: Signals, listener: Listener) => void;

const STOP_REQUESTS: Readonly<Record<HostPlatform, readonly StopRequest[]>> = {
  linux: [onSignal('SIGINT'), onSignal('SIGTERM'), onHangup, onPassedOn],
  // SIGHUP comes when the console's window is closed, SIGBREAK from Ctrl-Break (nodejs.org/api/process.html).
  windows: [onSignal('SIGINT'), onSignal('SIGTERM'), onSignal('SIGHUP'), onSignal('SIGBREAK')],
};

function onSignal(name: NodeJS.Signals): StopRequest {
  return (process, listener) => void process.on(name, () => listener(false));
}

function onPassedOn(process: Signals, listener: Listener): void {
  process.on(PASSED_ON, () => listener(true));
}

/** nohup(1) starts programs that ignore it: listening would undo that. */
function onHangup(process: Signals, listener: Listener): void {
  const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  if ((BigInt(`0x${ignored}`) & 1n) === 0n) process.on('SIGHUP', () => listener(false));
}
