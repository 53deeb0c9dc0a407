import { basename, join } from 'node:path';
import { fileLedger } from '../core/host/index.js';
import { startInBackground } from './background-start.js';
import { buildImage } from './build-image.js';
import { daemonLock, type DaemonContext } from './daemon-context.js';
import { examineHost } from './examine-host.js';
import { dataDiskFile, DATA_DISK_NAMES } from './host-side/data-disk.js';
import { leftoversIn } from './leftovers.js';
import { guestRecordFile, type SavedSince } from './machine/guest-record.js';
import type { LockHolder } from './process-lock.js';
import { runDaemon } from './run-daemon.js';
import { serviceControl } from './windows/service-control.js';

/** What only this side of the program can do; main.ts hands it to the commands, which declare what they need. */
export function daemonProgram(context: DaemonContext) {
  /** For information only: a record that cannot be read says nothing. */
  const savedVm = async (stateDir: string): Promise<SavedSince | undefined> => {
    const { guestRecordFile: path } = context.paths;
    const record = guestRecordFile(join(stateDir, basename(path)));
    return (await record.read().catch(() => undefined))?.saved;
  };
  return {
    run: (options: Parameters<typeof runDaemon>[1]) => runDaemon(context, options),
    startInBackground: (options: Parameters<typeof startInBackground>[1]) =>
      startInBackground(context, options),
    holder: () => daemonLock(context).holder(),
    isAlive: ({ pid, startTime }: Pick<LockHolder, 'pid' | 'startTime'>) =>
      context.processes.isAlive({ pid, startId: startTime }),
    leftovers: async () => {
      const isSaved = (await savedVm(context.paths.stateDir)) !== undefined;
      return leftoversIn(await fileLedger(context.paths.ledgerFile).list(), isSaved);
    },
    savedVm,
    dataDisk: async (stateDir: string) => {
      const path = join(stateDir, 'vm', DATA_DISK_NAMES[context.platform]);
      return (await dataDiskFile(path).exists()) ? path : undefined;
    },
    examineHost: () => examineHost(context, undefined),
    service: () => serviceControl(context),
    buildImage: (options: Parameters<typeof buildImage>[1]) => buildImage(context, options),
  };
}
