import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Instance } from '../support/instance.js';
import { BUSYBOX, startMachine } from '../support/vm/started-machine.js';

/** What test/vm/shares.test.ts does with smaller numbers. */
const FILES = Number(process.env['MOBYVM_SOAK_FILES'] ?? 10_000);
const MIB = Number(process.env['MOBYVM_SOAK_MIB'] ?? 1_024);
const MOVES = Number(process.env['MOBYVM_SOAK_MOVES'] ?? 10_000);
const HOURS = 3_600_000;
let instance: Instance;
let site: string;

beforeAll(async () => {
  instance = await Instance.create({});
  site = join(instance.directory, 'host/site');
  await mkdir(site, { recursive: true });
  const added = await instance.mobyvm(['share', 'add', 'C', '--path', join(instance.directory, 'host')]);
  expect(added.stderr).toBe('');
  await startMachine(instance);
});
afterAll(() => instance[Symbol.asyncDispose]());

function onSite(script: string): Promise<string> {
  const bind = ['-v', 'C:\\site:/data', '-w', '/data'];
  return instance.docker(['run', '--rm', ...bind, BUSYBOX, 'sh', '-c', script], { timeoutMs: 2 * HOURS });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}

function* randomParts(): Generator<Buffer> {
  for (let part = 0; part < MIB; part++) yield randomBytes(1024 * 1024);
}

it(`holds ${FILES} small files`, { timeout: 2 * HOURS }, async () => {
  const script = `mkdir many && cd many
    i=0; while [ $i -lt ${FILES} ]; do echo $i >f$i || exit 1; i=$((i+1)); done
    busybox ls | busybox wc -l`;
  expect(await onSite(script)).toBe(`${FILES}\n`);
  const names = await readdir(join(site, 'many'));
  expect(names).toHaveLength(FILES);
  for (const name of names)
    expect(await readFile(join(site, 'many', name), 'utf8')).toBe(`${name.slice(1)}\n`);
  expect(await onSite('busybox rm -r many; busybox ls | busybox wc -l')).toBe('0\n');
});

it(`carries ${MIB} MiB unchanged both ways`, { timeout: 2 * HOURS }, async () => {
  await pipeline(randomParts, createWriteStream(join(site, 'large')));
  const digest = await digestOf(join(site, 'large'));
  const output = await onSite(
    'busybox sha256sum <large; busybox cp large copy; busybox sha256sum <copy; busybox rm large',
  );
  expect(output.match(/[0-9a-f]{64}/g)).toEqual([digest, digest]);
  expect(await digestOf(join(site, 'copy'))).toBe(digest);
  await onSite('busybox rm copy');
});

it(
  `lets a folder be moved right after a file in it was written, ${MOVES} times`,
  { timeout: 2 * HOURS },
  async () => {
    const script = `i=0
    while [ $i -lt ${MOVES} ]; do
      busybox mkdir a && busybox touch a/f && busybox mv a b || exit 1
      busybox rm -r b || exit 1
      i=$((i+1))
    done
    echo $i`;
    expect(await onSite(script)).toBe(`${MOVES}\n`);
    expect(await readdir(site)).toEqual([]);
  },
);
