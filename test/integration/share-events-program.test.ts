import { mkdtemp, mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run, silentLogger, waitFor } from '../../src/core/host/index.js';
import {
  EventSender,
  startLinkServer,
  type GuestLink,
  type HostChange,
  type LinkServer,
} from '../../src/share/index.js';
import { RunningProgram } from '../support/netns-program.js';

/** The guest's program, with a file in the place of the module's device, and the host's sender. */
const TOKEN = 'planted-token-0123456789';
let base: string;
let folder: string;
let device: string;
let server: LinkServer;
let sender: EventSender;
let links: GuestLink[] = [];
let program: RunningProgram | undefined;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'mobyvm-share-events-'));
  await run(resolve(import.meta.dirname, '../../guest/build/make-share-events'), [
    join(base, 'share-events'),
  ]);
});
afterAll(() => rm(base, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(base, 'run-'));
  device = join(folder, 'device');
  await mkdir(join(folder, 'share'));
  await writeFile(join(folder, 'token'), `${TOKEN}\n`);
  await writeFile(join(folder, 'lease'), '10.0.0.2 24 127.0.0.1\n');
  sender = new EventSender(silentLogger);
  links = [];
  server = await startLinkServer({
    address: '127.0.0.1',
    port: 0,
    token: () => TOKEN,
    logger: silentLogger,
    onLink: (link) => {
      links.push(link);
      sender.attach(link);
    },
  });
  sender.setBinds([{ share: 'C', guestPath: join(folder, 'share'), hostPath: '/srv', isFolder: true }]);
});
afterEach(async () => {
  await program?.[Symbol.asyncDispose]();
  sender.close();
  await server.close();
});

function startProgram(): void {
  program = new RunningProgram(join(base, 'share-events'), [], {
    MOBYVM_RUN: folder,
    MOBYVM_SHARE_HOST_PORT: String(server.port),
    MOBYVM_FSNOTIFY: device,
    MOBYVM_MODPROBE: '/bin/false',
  });
}

const until = (title: string, check: () => Promise<boolean> | boolean): Promise<void> =>
  waitFor(
    { title, timeoutSeconds: 120, hint: '', everyMs: 20, check: () => Promise.resolve(check()) },
    new AbortController().signal,
  );

const written = (path: string): HostChange => ({ kind: 'written', path, isFolder: false });
const records = async (): Promise<string> => (await readFile(device, 'latin1')).replaceAll(folder, '');

describe('the program that raises events in the guest', () => {
  test('writes one record for each change to the device of the module', async () => {
    await writeFile(device, '');
    startProgram();
    await until('the module', () => sender.mechanism === 'module');
    sender.send([
      { kind: 'created', path: '/srv/a b\n', isFolder: true },
      { kind: 'moved', path: '/srv/ü', to: '/srv/%41', isFolder: false },
      { kind: 'deleted', path: '/srv/x', isFolder: false },
    ]);
    const wanted = Buffer.from('cD\0/share/a b\nr\0/share/ü\0/share/%41d\0/share/x').toString('latin1');
    await until('the records', async () => (await records()).length >= wanted.length);
    expect(await records()).toBe(wanted);
  });

  test('answers what is done, so that any number of changes follow', async () => {
    await writeFile(device, '');
    startProgram();
    await until('the module', () => sender.mechanism === 'module');
    const names = Array.from({ length: 3_000 }, (_, index) => `/srv/${index}`);
    sender.send(names.map(written));
    const wanted = names.map((name) => `w\0${name.replace('/srv', '/share')}`).join('');
    await until('the records', async () => (await records()).length >= wanted.length);
    expect(await records()).toBe(wanted);
  });

  test('connects again when the host is lost, or sent what it does not understand', async () => {
    await writeFile(device, '');
    startProgram();
    await until('the module', () => sender.mechanism === 'module');
    links[0]?.send('C cmw relative');
    await until('the second connection', () => links.length === 2 && sender.mechanism === 'module');
    server.dropAll();
    await until('the third connection', () => links.length === 3 && sender.mechanism === 'module');
    sender.send([written('/srv/f')]);
    await until('the record', async () => (await records()).endsWith('w\0/share/f'));
  });

  test('sets mode and time to what they are if there is no module', async () => {
    const file = join(folder, 'share/f');
    await writeFile(file, 'content', { mode: 0o640 });
    await utimes(file, 1_000, 2_000);
    const before = await stat(file, { bigint: true });
    startProgram();
    await until('the stand-in', () => sender.mechanism === 'touch');
    sender.send([written('/srv/f')]);
    await until('the touch', async () => (await stat(file, { bigint: true })).ctimeNs !== before.ctimeNs);
    const after = await stat(file, { bigint: true });
    expect([after.mode, after.mtimeNs, after.atimeNs]).toEqual([before.mode, before.mtimeNs, before.atimeNs]);
    expect(await readFile(file, 'utf8')).toBe('content');
  });

  test('touches the folder of what is gone, and never creates anything', async () => {
    const parent = join(folder, 'share');
    const before = await stat(parent, { bigint: true });
    startProgram();
    await until('the stand-in', () => sender.mechanism === 'touch');
    sender.send([written('/srv/none'), { kind: 'deleted', path: '/srv/gone', isFolder: false }]);
    await until('the touch', async () => (await stat(parent, { bigint: true })).ctimeNs !== before.ctimeNs);
    expect((await run('ls', ['-A', parent])).stdout).toBe('');
  });
});
