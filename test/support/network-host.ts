import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { MobyvmError } from '../../src/core/values/index.js';
import { compiledSource } from './compiled.js';
import { NetworkNamespace, type RunningProgram } from './netns.js';
import type { ResourceUnderTest } from './resource-contract.js';

export type NetworkPart = 'bridge' | 'address' | 'firewall' | 'forwarding' | 'tap';

export const MACHINE_ID = '3f6d0f0e-5a59-4c3e-9d0c-0123456789ab';

const SETTINGS = 'ipv4/ip_forward ipv6/conf/*/disable_ipv6 ipv6/conf/*/accept_ra';

const KIND = z.enum(['none', 'create', 'update', 'replace']);
const REPORT = z.object({ code: z.string(), message: z.string(), remedy: z.string() });
const ANSWER = z.looseObject({
  error: REPORT.optional(),
  aggregate: z.boolean().optional(),
  done: z.array(z.tuple([z.string(), KIND])).optional(),
  progress: z.array(z.string()).optional(),
  changes: z
    .array(z.object({ kind: KIND, fields: z.array(z.string()).optional(), reason: z.string().optional() }))
    .optional(),
  subnet: z.string().optional(),
  by: z.string().optional(),
  entries: z.array(z.string()).optional(),
  /** Absent when all parts were removed at once. */
  removed: z.enum(['remove', 'none']).optional(),
  warnings: z.array(z.record(z.string(), z.unknown())).optional(),
});

export type Answer = z.infer<typeof ANSWER>;

export interface NetworkHostOptions {
  readonly bridge?: string;
  readonly subnet?: string;
  readonly hostServices?: readonly { readonly protocol: 'tcp' | 'udp'; readonly port: number }[];
  /** The environment of the program, for example a PATH with a failing `ip` in it. */
  readonly env?: Readonly<Record<string, string>>;
  /** An existing ledger file; by default a new one. */
  readonly ledger?: string;
}

/** A namespace that plays the host, with a program that runs src/vm/network in it. */
export class NetworkHost implements AsyncDisposable {
  readonly #folder: string;
  readonly #program: RunningProgram;
  #requests = 0;

  private constructor(
    readonly namespace: NetworkNamespace,
    folder: string,
    readonly ledger: string,
    program: RunningProgram,
  ) {
    this.#folder = folder;
    this.#program = program;
  }

  static async create(options: NetworkHostOptions = {}): Promise<NetworkHost> {
    const namespace = await NetworkNamespace.create('host');
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-network-'));
    const ledger = options.ledger ?? join(folder, 'ledger.json');
    try {
      const program = await startProgram(namespace, { ...options, ledger, machineId: MACHINE_ID });
      return new NetworkHost(namespace, folder, ledger, program);
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async ask(what: string, more: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    this.#requests += 1;
    const from = this.#program.lines.length;
    this.#program.send(JSON.stringify({ id: this.#requests, do: what, ...more }));
    const line = await this.#program.line(new RegExp(`^answer ${this.#requests} `), 30, from);
    return ANSWER.parse(JSON.parse(line.replace(/^answer \d+ /, '')));
  }

  /** Like `ask`, but throws an error answer. */
  async demand(what: string, more: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const answer = await this.ask(what, more);
    if (answer.error !== undefined) {
      throw new MobyvmError('MOBYVM_BUG', `${answer.error.code}: ${answer.error.message}`, '');
    }
    return answer;
  }

  /** Links, IPv4 addresses and routes, rules, kernel settings, and the ledger's keys. */
  async snapshot(): Promise<unknown> {
    return { ...(await networkOf(this.namespace)), ledger: (await this.ask('ledger')).entries };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.namespace[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** One part of the network as a resource under contract; its prerequisites are ensured first. */
export async function networkPart(
  part: NetworkPart,
  needs: readonly NetworkPart[],
): Promise<ResourceUnderTest> {
  const host = await NetworkHost.create();
  try {
    for (const need of needs) await host.demand('ensure', { part: need });
  } catch (error) {
    await host[Symbol.asyncDispose]();
    throw error;
  }
  const index = ['bridge', 'address', 'firewall', 'forwarding', 'tap'].indexOf(part);
  return {
    plan: async () => (await host.demand('plan')).changes![index]!.kind,
    ensure: async () => (await host.demand('ensure', { part })).done![0]![1],
    ensureThenFail: async () => {
      const { error, aggregate } = await host.ask('ensure', { part, failing: true });
      if (error?.message !== 'failing on purpose' || aggregate === true)
        throw new MobyvmError('MOBYVM_BUG', JSON.stringify(error), '');
    },
    remove: async () => (await host.demand('remove', { part })).removed ?? 'none',
    snapshot: () => host.snapshot(),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

async function startProgram(
  namespace: NetworkNamespace,
  { env = {}, ...config }: NetworkHostOptions & { readonly machineId: string },
): Promise<RunningProgram> {
  const script = join(import.meta.dirname, '../fixtures/programs/linux-network.mjs');
  const args = [script, await compiledSource(), JSON.stringify(config)];
  return namespace.start(process.execPath, args, env);
}

/** Links, IPv4 addresses and routes, rules and kernel settings of a namespace. */
export async function networkOf(namespace: NetworkNamespace): Promise<Readonly<Record<string, unknown>>> {
  const [links, addresses, routes, rules, settings] = await Promise.all([
    namespace.ip('-json', 'link'),
    namespace.ip('-json', '-4', 'address'),
    namespace.ip('-json', '-4', 'route', 'show', 'table', 'all'),
    namespace.run('nft', ['-j', 'list', 'ruleset']),
    namespace.run('sh', ['-c', `cd /proc/sys/net && grep -H . ${SETTINGS}`]),
  ]);
  return {
    links: stable(links),
    addresses: stable(addresses),
    routes: stable(routes),
    rules: stable(rules.stdout),
    settings: settings.stdout.trim().split('\n').sort(),
  };
}

/** Handles, interface indexes and carrier state differ each time; names do not. */
function stable(text: string): unknown {
  return JSON.parse(text, (key: string, value: unknown) => {
    // The order of rules matters; that of devices, addresses and routes does not.
    if (key === '' && Array.isArray(value)) return value.map((each) => JSON.stringify(each)).sort();
    if (['handle', 'ifindex', 'operstate', 'qdisc', 'metainfo'].includes(key)) return undefined;
    if (key === 'flags' && Array.isArray(value)) return value.includes('UP') ? ['UP'] : [];
    return key === 'address' && typeof value === 'string' ? undefined : value;
  });
}
