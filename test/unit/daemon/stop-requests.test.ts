import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { listenForStop } from '../../../src/daemon/stop-requests.js';

function requests(platform: 'linux' | 'windows', signals: readonly string[]): boolean[] {
  const process = new EventEmitter();
  const heard: boolean[] = [];
  listenForStop(platform, process as unknown as NodeJS.Process, (isRepeatable) => heard.push(isRepeatable));
  signals.forEach((name) => process.emit(name));
  return heard;
}

test('on Linux the usual signals request a stop, and a forwarded one never means "at once"', () => {
  expect(requests('linux', ['SIGINT', 'SIGTERM', 'SIGUSR2', 'SIGBREAK'])).toEqual([false, false, true]);
});

test('on Windows Ctrl-Break and a closed console request a stop too', () => {
  expect(requests('windows', ['SIGINT', 'SIGHUP', 'SIGBREAK'])).toEqual([false, false, false]);
});
