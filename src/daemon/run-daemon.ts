import { MobyvmError } from '../core/values/index.js';
import { missingRightsError } from '../protocol/platform.js';
import type { DaemonContext, DaemonOptions } from './daemon-context.js';
import { livesIn } from './daemon-namespace.js';
import { readInstance } from './instance.js';
import { refuseNamespaceOnWindows } from './refuse-namespace.js';
import { refuseUnusableRunFolder } from './run-folder.plan.js';
import { startInNamespace } from './start-in-namespace.js';

/**
 * The one long-lived process: it owns the lock, the engine endpoint, the control socket and the machine. A stop request
 * shuts the machine down; `POST /v1/exit` ends a daemon whose machine is down already. One that was to start the
 * machine and could not ends as well, so that a service manager sees it.
 *
 * Outside of the network namespace that it is to run in, it creates that and runs inside of it.
 */
export async function runDaemon(context: DaemonContext, options: DaemonOptions): Promise<number> {
  const { paths, platform, rights } = context;
  refuseNamespaceOnWindows(platform, options.namespace);
  if (platform === 'linux') refuseUnusableRunFolder(paths.runDir);
  if (!(await rights.areHeld())) throw missingRightsError(rights);
  // A daemon that was killed has left everything in its namespace.
  const namespace = options.namespace ?? (await readInstance(paths.runDir)).namespace;
  if (namespace !== undefined && !(await livesIn(namespace))) {
    if (options.isInside) throw outsideError(namespace);
    return startInNamespace(context, { ...options, namespace });
  }
  // Loaded only by the process that serves: all of the daemon takes half a second.
  const { serveDaemon } = await import('./serve-daemon.js');
  return serveDaemon(context, { ...options, namespace });
}

function outsideError(name: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_NAMESPACE',
    `The daemon was not started in the network namespace "${name}".`,
    `Run \`mobyvm daemon --netns ${name}\`: it creates the namespace and starts itself inside.`,
  );
}
