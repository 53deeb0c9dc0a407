import { globalMutexes, windowsProcesses } from '../../../src/windows/index.js';
import { mutexLock } from '../../../src/daemon/windows/mutex-lock.js';

/** Takes the lock of the path that is its only argument, and keeps it until the end of its standard input. */
const path = process.argv[2] ?? '';
const lock = await mutexLock({ path, mutexes: globalMutexes, processes: windowsProcesses }).take();
process.stdout.write('taken\n');
process.stdin.resume();
process.stdin.once('end', () => void lock.release());
