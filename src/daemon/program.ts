import { join } from 'node:path';
import { fileLedger } from '../core/host/index.js';
import { startInBackground } from './background-start.js';
import { buildImage } from './build-image.js';
import { daemonLock, type DaemonContext } from './daemon-context.js';
import { diagnose } from './diagnose/diagnose.js';
import { examineHost } from './examine-host.js';
import { dataDiskFile, DATA_DISK_NAMES } from './host-side/data-disk.js';
import { leftoversIn } from './leftovers.js';
import type { LockHolder } from './process-lock.js';
import { runDaemon } from './run-daemon.js';
import { serviceControl } from './windows/service-control.js';

/** What only this side of the program can do; main.ts hands it to the commands, which declare what they need. */
export function daemonProgram(context: DaemonContext) {
  return {
    run: (options: Parameters<typeof runDaemon>[1]) => runDaemon(context, options),
    startInBackground: (options: Parameters<typeof startInBackground>[1]) =>
      startInBackground(context, options),
    holder: () => daemonLock(context).holder(),
    isAlive: ({ pid, startTime }: Pick<LockHolder, 'pid' | 'startTime'>) =>
      context.processes.isAlive({ pid, startId: startTime }),
    leftovers: async () => leftoversIn(await fileLedger(context.paths.ledgerFile).list()),
    dataDisk: async (stateDir: string) => {
      const path = join(stateDir, 'vm', DATA_DISK_NAMES[context.platform]);
      return (await dataDiskFile(path).exists()) ? path : undefined;
    },
    examineHost: () => examineHost(context, undefined),
    diagnose: (options: Parameters<typeof diagnose>[1]) => diagnose(context, options),
    service: () => serviceControl(context),
    buildImage: (options: Parameters<typeof buildImage>[1]) => buildImage(context, options),
  };
}
