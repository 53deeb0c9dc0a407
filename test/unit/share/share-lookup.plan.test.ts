import { expect, test } from 'vitest';
import { shareAt, spelledAsPoint } from '../../../src/share/share-lookup.plan.js';
import { isPathOfVm } from '../../../src/share/vm-paths.plan.js';

const SHARES = [
  { points: ['/C', '/c'] },
  { points: ['/home/me/src'] },
  { points: ['/D/Work', '/d/Work'] },
] as const;

test.each([
  ['/C', '/C'],
  ['/C/Users/x', '/C'],
  ['/c/Users', '/C'],
  ['/CC', undefined],
  ['/home/me/src/a', '/home/me/src'],
  ['/home/me/srcs', undefined],
  ['/home/me', undefined],
])('%s is on the share at %s', (path, point) => {
  expect(shareAt(path, SHARES)?.points[0]).toBe(point);
});

test.each([
  ['/D/WORK/x', '/D/Work/x'],
  ['/D/work', '/D/Work'],
  ['/D/workshop', '/D/workshop'],
  ['/C/USERS/x', '/C/USERS/x'],
])('%s is spelled %s, as the mount point is', (path, spelled) => {
  expect(spelledAsPoint(path, SHARES)).toBe(spelled);
});

test.each([
  ['/', true],
  ['/proc/self', true],
  ['/var/run/docker.sock', true],
  ['/var/lib/docker/volumes', true],
  ['/etc/localtime', true],
  ['/usr/share/zoneinfo', true],
  ['/tmp', true],
  ['/tmp/build', false],
  ['/etc/nginx', false],
  ['/usr/local/share/x', false],
  ['/home/me', false],
  ['/var/www', false],
  ['/users', false],
])('%s means the VM: %s', (path, isOfVm) => {
  expect(isPathOfVm(path)).toBe(isOfVm);
});
