import { stat } from 'node:fs/promises';
import { fileLedger, runSteps, silentLogger, statIfPresent, type StepContext } from '../core/host/index.js';
import type { InstancePaths } from '../protocol/paths.js';
import type { daemonNamespace } from '../vm/index.js';
import { loadIdentity } from './identity.js';

const KIND = 'network-namespace';

/** Whether this process is in the network namespace of that name; see ip-netns(8) for where namespaces have names. */
export async function livesIn(name: string): Promise<boolean> {
  const [own, named] = await Promise.all([stat('/proc/self/ns/net'), statIfPresent(`/run/netns/${name}`)]);
  return named?.ino === own.ino && named.dev === own.dev;
}

/** Creates the namespace if there is none of that name. The caller holds the daemon's lock: this writes the ledger. */
export async function ensureNamespace(
  paths: InstancePaths,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const { step } = await namespaceOf(paths, name);
  await runSteps([step], { emit: () => undefined, signal, nowMs: () => performance.now() });
}

/**
 * Deletes the namespaces that we created, also from inside: a name that is unlinked in our mount namespace
 * disappears from all others, and the namespace itself ends with its last process. Namespaces that existed before
 * stay, and so do all while the ledger has anything else, since that may live in one of them.
 * The caller holds the daemon's lock.
 */
export async function removeNamespaces(paths: InstancePaths): Promise<void> {
  const entries = await fileLedger(paths.ledgerFile).list();
  if (entries.some(({ kind }) => kind !== KIND)) return;
  const context: StepContext = { signal: new AbortController().signal, progress: () => undefined };
  for (const { name } of entries) await (await namespaceOf(paths, name)).remove(context);
}

async function namespaceOf(paths: InstancePaths, name: string): Promise<ReturnType<typeof daemonNamespace>> {
  const { machineId } = await loadIdentity(paths.identityFile, paths.vmStateDir);
  // A command that starts no daemon inside of a namespace needs nothing of it.
  const vm = await import('../vm/index.js');
  return vm.daemonNamespace({ machineId, name, ledger: fileLedger(paths.ledgerFile), logger: silentLogger });
}
