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
 * The network namespace that the daemon runs in, created from outside before the daemon starts. One that existed before
 * is used (only its loopback is brought up) and never deleted. Ours has our tag as the alias of its loopback device.
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
      const isOurs = (await observe(signal))?.ownership === 'ours';
      if (isOurs) await changeIp('netns', 'delete', name);
      await owner.forget(entry);
      return isOurs ? 'remove' : 'none';
    },
  };
}

function plan(found: NamespaceFound | undefined, tag: string): Change {
  if (found === undefined) return { kind: 'create' };
  const fields = [...(needsTag(found, tag) ? ['tag'] : []), ...(found.isLoopbackUp ? [] : ['loopback'])];
  return fields.length === 0 ? { kind: 'none' } : { kind: 'update', fields };
}

/** The process was killed between creating and tagging it. */
function needsTag({ ownership, tag }: NamespaceFound, wanted: string): boolean {
  return ownership === 'ours' && tag !== wanted;
}

/** `ip netns` creates a file of that name, so it must not contain a path. */
function checkName(name: string): void {
  if (name.length > 64 || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    throw new MobyvmError(
      'MOBYVM_NAMESPACE',
      `"${name.slice(0, 80)}" is not a valid name for a network namespace.`,
      'Use up to 64 letters, digits, "-", "_" or ".", with a letter or digit first.',
    );
  }
}

function rethrow(name: string, signal: AbortSignal, cause: unknown): never {
  signal.throwIfAborted();
  // Errors that have their own code (a damaged ledger, a full disk, a missing program) have their own remedy too.
  if (
    cause instanceof MobyvmError &&
    !['MOBYVM_PROGRAM_FAILED', 'MOBYVM_PROGRAM_TIMEOUT'].includes(cause.code)
  )
    throw cause;
  throw new MobyvmError(
    'MOBYVM_NAMESPACE',
    `The network namespace "${name}" could not be set up: ${textOf(cause)}`,
    `Check as root whether "ip netns add ${name}" works; "ip netns delete ${name}" removes a stale entry.`,
    { cause, details: { namespace: name } },
  );
}
