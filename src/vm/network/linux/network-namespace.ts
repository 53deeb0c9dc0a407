import { run, type Resource } from '../../../core/host/index.js';
import { MobyvmError, textOf, type Change } from '../../../core/values/index.js';
import { changeIp } from './ip.js';
import { decodeLinks, decodeNamespaces } from './ip.codec.js';
import type { Ownership } from '../ownership.plan.js';
import type { Owner } from './owner.js';

export interface NamespaceFound {
  readonly ownership: Ownership;
  readonly isLoopbackUp: boolean;
  readonly tag: string | undefined;
}

export interface NamespaceWanted {
  readonly isLoopbackUp: true;
}

/**
 * The network namespace that the whole daemon runs in; ensured from outside, before the daemon starts. One that exists is
 * used (only its loopback is brought up) and never deleted. What tells ours is the alias of the loopback device in it.
 */
export function networkNamespace(name: string, owner: Owner): Resource<NamespaceWanted, NamespaceFound> {
  const entry = { kind: 'network-namespace', name };
  checkName(name);

  async function observe(signal?: AbortSignal): Promise<NamespaceFound | undefined> {
    const options = signal === undefined ? {} : { signal };
    const { stdout } = await run('ip', ['-json', 'netns', 'list'], options);
    if (!decodeNamespaces(stdout).includes(name)) return undefined;
    const links = await run('ip', ['-n', name, '-json', '-details', 'link', 'show', 'dev', 'lo'], options);
    const loopback = decodeLinks(links.stdout)[0];
    const tag = loopback?.alias;
    return { ownership: await owner.judge(entry, tag), isLoopbackUp: loopback?.up === true, tag };
  }

  const set = (...args: readonly string[]): Promise<void> =>
    changeIp('-n', name, 'link', 'set', 'dev', 'lo', ...args);

  return {
    id: 'network-namespace',
    title: `network namespace ${name}`,
    observe: ({ signal }) => observe(signal).catch((error: unknown) => rethrow(name, signal, error)),
    plan: (found) => plan(found, owner.tag),
    async ensure(_wanted, found, context) {
      try {
        if (found === undefined) {
          context.onFailure(await owner.remember(entry));
          await changeIp('netns', 'add', name);
          context.onFailure(() => changeIp('netns', 'delete', name));
        }
        if (found === undefined || needsTag(found, owner.tag)) await set('alias', owner.tag);
        if (found?.isLoopbackUp !== true) {
          await set('up');
          if (found !== undefined) context.onFailure(() => set('down'));
        }
      } catch (error) {
        rethrow(name, context.signal, error);
      }
    },
    async remove({ signal }) {
      if ((await observe(signal))?.ownership === 'ours') await changeIp('netns', 'delete', name);
      await owner.forget(entry);
    },
  };
}

function plan(found: NamespaceFound | undefined, tag: string): Change {
  if (found === undefined) return { kind: 'create' };
  const fields = [...(needsTag(found, tag) ? ['tag'] : []), ...(found.isLoopbackUp ? [] : ['loopback'])];
  return fields.length === 0 ? { kind: 'none' } : { kind: 'update', fields };
}

/** We died between making and tagging it. */
function needsTag({ ownership, tag }: NamespaceFound, wanted: string): boolean {
  return ownership === 'ours' && tag !== wanted;
}

/** `ip netns` makes a file of that name, so it must not lead elsewhere. */
function checkName(name: string): void {
  if (name.length > 64 || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    throw new MobyvmError(
      'MOBYVM_NAMESPACE',
      `"${name.slice(0, 80)}" cannot be the name of a network namespace.`,
      'Use up to 64 letters, digits, "-", "_" or ".", with a letter or digit first.',
    );
  }
}

function rethrow(name: string, signal: AbortSignal, cause: unknown): never {
  signal.throwIfAborted();
  // What has a code of its own (a spoilt ledger, a full disk, a missing program) has its own remedy as well.
  if (
    cause instanceof MobyvmError &&
    !['MOBYVM_PROGRAM_FAILED', 'MOBYVM_PROGRAM_TIMEOUT'].includes(cause.code)
  )
    throw cause;
  throw new MobyvmError(
    'MOBYVM_NAMESPACE',
    `The network namespace "${name}" cannot be set up: ${textOf(cause)}`,
    `Run as root and see whether "ip netns add ${name}" works; a stale entry is removed by "ip netns delete ${name}".`,
    { cause, details: { namespace: name } },
  );
}
