import { fileLedger, runSteps, silentLogger, type StepContext } from '../core/host/index.js';
import { daemonNamespace } from '../vm/index.js';
import { loadIdentity } from '../daemon/identity.js';
import type { CommandContext } from './context.js';

/**
 * Makes the network namespace that the daemon is to run in, if there is none of that name. It is the client that does
 * it, since nobody can make the namespace that he already lives in.
 */
export async function ensureNamespace(context: CommandContext, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const { step } = await namespaceOf(context, name);
  await runSteps([step], {
    emit: () => undefined,
    signal: context.interrupted,
    nowMs: () => performance.now(),
  });
}

/** Deletes the namespaces that we made. Those that were there before stay. */
export async function removeNamespaces(context: CommandContext): Promise<void> {
  const entries = await fileLedger(context.paths.ledgerFile).list();
  const stepContext: StepContext = { signal: new AbortController().signal, progress: () => undefined };
  for (const { kind, name } of entries) {
    if (kind === 'network-namespace') await (await namespaceOf(context, name)).remove(stepContext);
  }
}

async function namespaceOf(
  { paths }: CommandContext,
  name: string,
): Promise<ReturnType<typeof daemonNamespace>> {
  const { machineId } = await loadIdentity(paths.identityFile);
  return daemonNamespace({ machineId, name, ledger: fileLedger(paths.ledgerFile), logger: silentLogger });
}
