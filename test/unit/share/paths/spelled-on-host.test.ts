import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { apiRules, noShares } from '../../../../src/proxy/index.js';
import { decodeRequestHead } from '../../../../src/proxy/engine/http/head.codec.js';
import { hostPaths } from '../../../../src/share/paths/host-paths.js';
import { spelledOnHost } from '../../../../src/share/paths/spelled-on-host.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), `mvspelled-${process.pid}-`));
  await mkdir(join(folder, 'Users/Über/Site'), { recursive: true });
  await writeFile(join(folder, 'Users/Über/Site/File.txt'), '');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const spelled = (path: string, keepsCase = true) => spelledOnHost(folder, path.split('/'), keepsCase);

test.each([true, false])('names get the spelling of the host (exact names only: %s)', async (keepsCase) => {
  for (const path of ['USERS/über/SITE/file.TXT', 'users/ÜBER/site/FILE.txt', 'Users/Über/Site/File.txt'])
    expect((await spelled(path, keepsCase)).join('/')).toBe('Users/Über/Site/File.txt');
});

test('an exact name is preferred to one that differs in case', async () => {
  await mkdir(join(folder, 'USERS'));
  expect(await spelled('Users/über')).toEqual(['Users', 'Über']);
  expect(await spelled('USERS/new')).toEqual(['USERS', 'new']);
});

test('what is not there stays as it is written, and so does what is below a file', async () => {
  expect((await spelled('users/New/a')).join('/')).toBe('Users/New/a');
  expect((await spelled('users/über/site/FILE.TXT/x')).join('/')).toBe('Users/Über/Site/File.txt/x');
});

test('two spellings of a folder reach the engine as one', async () => {
  const shares = () => [{ points: ['/C', '/c'], hostPath: folder }];
  const health = { ...noShares, problemOf: () => Promise.resolve(undefined) };
  const rules = apiRules({ paths: hostPaths('linux', { shares }), health, showHostPaths: () => false });
  const plan = rules.planFor(decodeRequestHead('POST /v1.43/containers/create HTTP/1.1\r\nHost: x\r\n\r\n'));
  const body = {
    HostConfig: {
      Binds: ['c:\\USERS\\über:/a:ro', 'C:\\Users\\Über:/b', '/srv/USERS:/c'],
      Mounts: [{ Type: 'bind', Source: 'C:\\users\\Über\\site', Target: '/d' }],
    },
  };
  const rewriting = await plan?.rewriteRequest?.(Buffer.from(JSON.stringify(body)));
  const sent: unknown = JSON.parse(rewriting?.kind === 'rewritten' ? rewriting.body.toString() : '{}');
  expect(sent).toEqual({
    HostConfig: {
      Binds: ['/C/Users/Über:/a:ro', '/C/Users/Über:/b', '/srv/USERS:/c'],
      Mounts: [{ Type: 'bind', Source: '/C/Users/Über/Site', Target: '/d' }],
    },
  });
});

test('a folder of Linux that is shared as itself keeps its spelling', async () => {
  const shares = () => [{ points: [folder], hostPath: folder }];
  const paths = hostPaths('linux', { shares });
  expect(await paths.spelledOnHost([`${folder}/USERS`])).toBeUndefined();
});
