import { getServers, promises } from 'node:dns';
import { errnoOf, textOf } from '../../core/values/index.js';
import type { Probe } from './probe.js';

const PER_SERVER_MS = 3_000;
const SECONDS = 10;
/** No server has it (RFC 6761 §6.4): that it says so shows that it answers. */
const NAME = 'diagnose.invalid';

export interface ServerAnswer {
  readonly server: string;
  readonly answers: boolean;
  readonly result: string;
  readonly milliseconds: number;
}

/** Asks each of the host's DNS servers for a name that does not exist. */
export function resolverProbe(servers: () => readonly string[] = getServers): Probe {
  return {
    id: 'dns-servers-answer',
    title: "Whether the host's DNS servers answer",
    group: 'names',
    seconds: SECONDS,
    look: async (signal) => {
      const found = servers();
      if (found.length === 0) return { absent: 'the host has no DNS server' };
      return { data: await Promise.all(found.map((server) => ask(server, signal))) };
    },
  };
}

async function ask(server: string, signal: AbortSignal): Promise<ServerAnswer> {
  const resolver = new promises.Resolver({ timeout: PER_SERVER_MS, tries: 1 });
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const startedMs = performance.now();
  const result = async (): Promise<string> => {
    try {
      resolver.setServers([server]);
      await resolver.resolve4(NAME);
      return 'NOERROR';
    } catch (error) {
      return (
        (error instanceof Error && 'code' in error ? String(error.code) : errnoOf(error)) ?? textOf(error)
      );
    }
  };
  const text = await result();
  signal.removeEventListener('abort', cancel);
  return {
    server,
    answers: ANSWERS.includes(text),
    result: text,
    milliseconds: Math.round(performance.now() - startedMs),
  };
}

/** Codes of Node.js that stand for an answer of the server: https://nodejs.org/api/dns.html#error-codes. */
const ANSWERS: readonly string[] = [
  'NOERROR',
  'ENODATA',
  'ENOTFOUND',
  'ESERVFAIL',
  'EREFUSED',
  'EFORMERR',
  'ENOTIMP',
];
