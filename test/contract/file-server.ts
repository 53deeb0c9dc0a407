import { describe, expect, test } from 'vitest';
import { ensureSteps, planAll, removeAll, runSteps, type StepContext } from '../../src/core/host/index.js';
import { MobyvmError } from '../../src/core/values/index.js';
import type { CredentialStore, FileServer, FileServerPlace, Share } from '../../src/share/index.js';
import { serve } from '../support/share/samba-host.js';

/** A host with a file server that is not set up yet, and folders to share. */
export interface FileServerWorld extends AsyncDisposable {
  readonly server: FileServer;
  readonly place: FileServerPlace;
  readonly credentials: CredentialStore;
  /** A share of a folder that exists; `user` is an account of the host. */
  share(id: string, more?: Partial<Share>): Promise<Share>;
  readonly user: string;
  removeFolder(share: Share): Promise<void>;
  /** The names under which the host offers mobyvm's shares now, in lower case and sorted. */
  offered(): Promise<readonly string[]>;
  /** The next daemon's file server on the same host. */
  next(): Promise<FileServer>;
  /** Another program stops the server of the host. */
  stopServer(): Promise<void>;
  /** All that a file server may leave on the host. */
  snapshot(): Promise<unknown>;
  /** What was logged and recorded so far. */
  texts(): Promise<readonly string[]>;
}

const signal = new AbortController().signal;
const context: StepContext = { signal, progress: () => undefined };

/** What holds for every file server. */
export function describeFileServer(title: string, make: () => Promise<FileServerWorld>): void {
  const plansOf = async (server: FileServer, place: FileServerPlace, shares: readonly Share[]) =>
    (await planAll(server.resources(place, shares), context)).map(({ change }) => change.kind);

  describe(title, () => {
    test('offers exactly the shares that it is told, and changes nothing the second time', async () => {
      await using world = await make();
      const { server, place } = world;
      const shares = [await world.share('C'), await world.share('home-me', { isReadOnly: true })];
      expect(await plansOf(server, place, shares)).toContain('create');
      await serve(server, shares, place);
      expect(await world.offered()).toEqual(['c', 'home-me']);
      expect(new Set(await plansOf(server, place, shares))).toEqual(new Set(['none']));
      expect(new Set(await serve(server, shares, place))).toEqual(new Set(['none']));
    });

    test('adds and removes what differs', async () => {
      await using world = await make();
      const [c, d, e] = [await world.share('C'), await world.share('D'), await world.share('E')];
      await serve(world.server, [c, d], world.place);
      await serve(world.server, [c, e], world.place);
      expect(await world.offered()).toEqual(['c', 'e']);
      await serve(world.server, [], world.place);
      expect(await world.offered()).toEqual([]);
    });

    test('planning changes nothing', async () => {
      await using world = await make();
      const before = await world.snapshot();
      await plansOf(world.server, world.place, [await world.share('C')]);
      expect(await world.snapshot()).toEqual(before);
    });

    test('leaves nothing when it is removed, also by the next daemon, and removing twice is fine', async () => {
      await using world = await make();
      const before = await world.snapshot();
      const shares = [await world.share('C')];
      await serve(world.server, shares, world.place);
      await world.server.close();
      const next = await world.next();
      await removeAll(next.resources(world.place, shares), context);
      expect(await world.snapshot()).toEqual(before);
      await removeAll(next.resources(world.place, shares), context);
      expect(await world.snapshot()).toEqual(before);
    });

    test('is undone when a later step fails', async () => {
      await using world = await make();
      const before = await world.snapshot();
      const failure = new MobyvmError('MOBYVM_ABORTED', 'This step fails on purpose.', '');
      const steps = [
        ...ensureSteps(world.server.resources(world.place, [await world.share('C')])),
        { id: 'failing', title: 'a step that fails', run: () => Promise.reject(failure) },
      ];
      const running = runSteps(steps, { emit: () => undefined, signal, nowMs: () => 0 });
      await expect(running).rejects.toBe(failure);
      expect(await world.snapshot()).toEqual(before);
    });

    test('the next daemon takes over what is there', async () => {
      await using world = await make();
      const shares = [await world.share('C')];
      await serve(world.server, shares, world.place);
      await world.server.close();
      const next = await world.next();
      expect(await serve(next, shares, world.place)).not.toContain('create');
      expect(new Set(await plansOf(next, world.place, shares))).toEqual(new Set(['none']));
      expect(await world.offered()).toEqual(['c']);
    });

    test('the login of a private share is generated, and stays the same', async () => {
      await using world = await make();
      const share = await world.share('C');
      await expect(world.server.login(share, signal)).rejects.toMatchObject({
        code: 'MOBYVM_SHARE_CREDENTIALS',
      });
      await serve(world.server, [share], world.place);
      const login = await world.server.login(share, signal);
      expect(login).toMatchObject({ user: 'mobyvm-shares', domain: '' });
      expect(login.password).toMatch(/^[A-Za-z0-9]{32}$/);
      await serve(world.server, [share], world.place);
      expect(await (await world.next()).login(share, signal)).toEqual(login);
      for (const text of await world.texts()) expect(text).not.toContain(login.password);
    });

    test("a user's own share needs the user's password", async () => {
      await using world = await make();
      const share = await world.share('C', { account: { kind: 'user', user: world.user } });
      expect(await world.server.problemOf(world.place, share, signal)).toMatchObject({
        state: 'needs-credentials',
      });
      await expect(world.server.login(share, signal)).rejects.toMatchObject({
        code: 'MOBYVM_SHARE_CREDENTIALS',
      });
      await world.credentials.write(world.user, 'pass,word "1"');
      await serve(world.server, [share], world.place);
      expect(await world.server.problemOf(world.place, share, signal)).toBeUndefined();
      expect(await world.server.login(share, signal)).toMatchObject({ password: 'pass,word "1"' });
    });

    test('says what keeps a share from being served', async () => {
      await using world = await make();
      const { server, place } = world;
      const share = await world.share('C');
      const gone = await world.share('D');
      await serve(server, [share, gone], place);
      expect(await server.problemOf(place, share, signal)).toBeUndefined();
      await world.removeFolder(gone);
      expect(await server.problemOf(place, gone, signal)).toMatchObject({ state: 'unreachable' });
      await serve(server, [share, gone], place);
      expect(await server.problemOf(place, share, signal)).toBeUndefined();
      const unknown = await world.share('E', { account: { kind: 'user', user: 'nobody-at-all' } });
      expect(await server.problemOf(place, unknown, signal)).toMatchObject({ state: 'refused' });
      await serve(server, [], place);
      expect(await server.problemOf(place, share, signal)).toMatchObject({ state: 'unreachable' });
    });

    test('is repaired when its server was stopped', async () => {
      await using world = await make();
      const shares = [await world.share('C')];
      await serve(world.server, shares, world.place);
      await world.stopServer();
      expect(await world.server.problemOf(world.place, shares[0]!, signal)).toMatchObject({
        state: 'unreachable',
      });
      await serve(world.server, shares, world.place);
      expect(await world.server.problemOf(world.place, shares[0]!, signal)).toBeUndefined();
      expect(await world.offered()).toEqual(['c']);
    });
  });
}
