import { basename, join } from 'node:path';
import { fileLedger } from '../core/host/index.js';
import { startInBackground } from './background-start.js';
import type { ImageBuildOptions } from './build-image.js';
import { daemonLock, type DaemonContext, type DaemonOptions } from './daemon-context.js';
import type { DiagnoseOptions } from './diagnose/diagnose.js';
import { dataDiskFile, DATA_DISK_NAMES } from './host-side/data-disk.js';
import { leftoversIn } from './leftovers.js';
import { savedSince } from './machine/guest-record.js';
import type { LockHolder } from './process-lock.js';
import { runDaemon } from './run-daemon.js';

/**
 * What only this side of the program can do; main.ts hands it to the commands, which declare what they need. Each loads
 * what it needs by itself: `up` and the daemon that it starts wait for little else before the VM.
 */
export function daemonProgram(context: DaemonContext) {
  return {
    run: (options: DaemonOptions) => runDaemon(context, options),
    startInBackground: (options: Parameters<typeof startInBackground>[1]) =>
      startInBackground(context, options),
    holder: () => daemonLock(context).holder(),
    isAlive: ({ pid, startTime }: Pick<LockHolder, 'pid' | 'startTime'>) =>
      context.processes.isAlive({ pid, startId: startTime }),
    leftovers: async () => {
      const { ledgerFile, guestRecordFile } = context.paths;
      const isSaved = (await savedSince(guestRecordFile)) !== undefined;
      return leftoversIn(await fileLedger(ledgerFile).list(), isSaved);
    },
    savedVm: (stateDir: string) => savedSince(join(stateDir, basename(context.paths.guestRecordFile))),
    dataDisk: async (stateDir: string) => {
      const path = join(stateDir, 'vm', DATA_DISK_NAMES[context.platform]);
      return (await dataDiskFile(path).exists()) ? path : undefined;
    },
    examineHost: async () => (await import('./examine-host.js')).examineHost(context, undefined),
    diagnose: async (options: DiagnoseOptions) =>
      (await import('./diagnose/diagnose.js')).diagnose(context, options),
    service: async () => (await import('./windows/service-control.js')).serviceControl(context),
    buildImage: async (options: ImageBuildOptions) =>
      (await import('./build-image.js')).buildImage(context, options),
  };
}
