import { expect, test } from 'vitest';
import { shareOffers, type OfferedFiles } from '../../../src/daemon/shares/share-offers.js';

function filesWith(folders: readonly string[]): OfferedFiles {
  return {
    isFolder: (path) => Promise.resolve(folders.includes(path)),
    namesIn: (path) =>
      Promise.resolve(
        folders.filter((each) => each.startsWith(`${path}/`)).map((each) => each.slice(path.length + 1)),
      ),
  };
}

test('a Windows host offers its drives', async () => {
  expect(await shareOffers('windows', filesWith(['C:\\', 'E:\\', 'A:\\']))).toEqual({
    hasDrives: true,
    offers: [
      { name: 'C', hostPath: 'C:\\' },
      { name: 'E', hostPath: 'E:\\' },
    ],
  });
});

test('a Linux host offers the folders of its users', async () => {
  expect(await shareOffers('linux', filesWith(['/home/me', '/home/ann', '/srv']))).toEqual({
    hasDrives: false,
    offers: [
      { name: '/home/ann', hostPath: '/home/ann' },
      { name: '/home/me', hostPath: '/home/me' },
    ],
  });
});

test('a host offers nothing of what cannot be looked at', async () => {
  expect((await shareOffers('linux', filesWith([]))).offers).toEqual([]);
});
