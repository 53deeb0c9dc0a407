import { describe, expect, test } from 'vitest';
import { waitFor } from '../../src/core/host/index.js';
import type { ResolverSource } from '../../src/proxy/index.js';

/** A host whose resolvers the test can change. */
export interface ResolverHost extends AsyncDisposable {
  /** Starts to follow the host's resolvers. */
  open(): Promise<ResolverSource>;
  /** Configures these servers, in this order, and this search list; no server removes the configuration. */
  configure(servers: readonly string[], search?: readonly string[]): Promise<void>;
  /** What the system asks without any configuration. */
  readonly withoutServers: readonly string[];
}

/** What every implementation of {@link ResolverSource} does. */
export function describeResolverSource(platform: string, makeHost: () => Promise<ResolverHost>): void {
  describe(`the resolvers of ${platform}`, () => {
    test('are known at once, in the order of the system', async () => {
      await using host = await makeHost();
      await host.configure(['192.0.2.1', '2001:db8::1', '192.0.2.2']);
      const source = await host.open();
      expect(serversOf(source)).toEqual(['192.0.2.1', '2001:db8::1', '192.0.2.2']);
      expect(source.current('web.corp.example').map(({ port }) => port)).toEqual([53, 53, 53]);
      await source.close();
    });

    test('can be empty at first and appear later', async () => {
      await using host = await makeHost();
      await host.configure([]);
      const source = await host.open();
      expect(serversOf(source)).toEqual(host.withoutServers);
      await host.configure(['192.0.2.1']);
      await until(source, ['192.0.2.1']);
      await source.close();
    });

    test('are reported after each change, until a listener unsubscribes', async () => {
      await using host = await makeHost();
      await host.configure(['192.0.2.1']);
      const source = await host.open();
      const seen: string[] = [];
      const unsubscribe = source.onChange(() => seen.push(serversOf(source).join()));
      source.onChange(() => undefined);
      await host.configure(['192.0.2.2']);
      await until(source, ['192.0.2.2']);
      unsubscribe();
      await host.configure(['192.0.2.3']);
      await until(source, ['192.0.2.3']);
      await source.close();
      expect(seen).toEqual(['192.0.2.2']);
    });

    test('are not reported if nothing changed', async () => {
      await using host = await makeHost();
      await host.configure(['192.0.2.1']);
      const source = await host.open();
      const seen: string[] = [];
      source.onChange(() => seen.push(serversOf(source).join()));
      await host.configure(['192.0.2.1']);
      await host.configure(['192.0.2.2']);
      await until(source, ['192.0.2.2']);
      await source.close();
      expect(seen).toEqual(['192.0.2.2']);
    });

    // https://github.com/docker/for-mac/issues/3814
    test('come with the search list, each change of which is announced', async () => {
      await using host = await makeHost();
      await host.configure(['192.0.2.1'], ['Corp.example.', 'lab.example', 'corp.example']);
      const source = await host.open();
      expect(source.searchDomains).toEqual(['corp.example', 'lab.example']);
      const seen: string[] = [];
      source.onChange(() => seen.push(source.searchDomains.join()));
      await host.configure(['192.0.2.1'], ['home.example']);
      await until(source, ['home.example'], () => source.searchDomains);
      await source.close();
      expect(seen).toEqual(['home.example']);
    });

    test('have the patience of the system', async () => {
      await using host = await makeHost();
      await host.configure(['192.0.2.1']);
      const source = await host.open();
      expect(source.patience).toEqual({ timeoutMs: 5_000, attempts: 2, usesTcp: false });
      await source.close();
    });

    test('can be closed twice, and keep their last value', async () => {
      await using host = await makeHost();
      await host.configure(['192.0.2.1']);
      const source = await host.open();
      await source.close();
      await source.close();
      expect(serversOf(source)).toEqual(['192.0.2.1']);
    });
  });
}

function serversOf(source: ResolverSource): readonly string[] {
  return source.current('example.org').map(({ address }) => address);
}

function until(
  source: ResolverSource,
  expected: readonly string[],
  actual: () => readonly string[] = () => serversOf(source),
): Promise<void> {
  const requirement = {
    title: `the host to be configured with ${expected.join()}`,
    timeoutSeconds: 120,
    hint: '',
    everyMs: 10,
    check: () => Promise.resolve(actual().join() === expected.join()),
  };
  return waitFor(requirement, new AbortController().signal);
}
