#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { runCommand } from './cli/commands.js';
import { watchOutputReader } from './cli/output-reader.js';
import { processInput } from './cli/read-input.js';
import { processTerminal } from './cli/terminal.js';
import { errnoOf, reportOf } from './core/values/index.js';
import { hostServices } from './daemon/host-services.js';
import { nearestPlatform } from './daemon/platform.js';
import { ProcessEnd } from './daemon/process-end.js';
import { daemonProgram } from './daemon/program.js';
import { listenForStop } from './daemon/stop-requests.js';
import { errorLines } from './protocol/error-text.js';
import { EXIT_INTERRUPTED, exitCodeOf } from './protocol/exit-code.js';
import { instancePaths, type InstancePaths } from './protocol/paths.js';
import { missingRightsError } from './protocol/platform.js';

/** The entry: the only file that reads the process's arguments and environment, and that joins commands and daemon. */
const platform = nearestPlatform();
const terminal = processTerminal(process, watchOutputReader(platform, process.pid));
const paths = pathsOrExit();
const { rights, ...services } = hostServices(platform, { userId: process.getuid?.(), env: process.env });
const processEnd = new ProcessEnd(process);
const interrupt = new AbortController();
const shared = {
  paths,
  platform,
  rights,
  env: process.env,
  commandLine: ['mobyvm', ...process.argv.slice(2)].join(' ').slice(0, 200),
  pid: process.pid,
  interrupted: interrupt.signal,
  packageDir: fileURLToPath(new URL('../', import.meta.url)),
};
const daemon = daemonProgram({
  ...shared,
  ...services,
  self: [process.execPath, fileURLToPath(import.meta.url)],
  processEnd,
  printError: (line) => terminal.error(line),
});

let stopRequests = 0;
listenForStop(platform, process, (isRepeatable) => {
  // The first request is polite; the second ends the process at once.
  if (!isRepeatable) stopRequests += 1;
  if (stopRequests > 1) process.exit(EXIT_INTERRUPTED);
  interrupt.abort();
});
// Nobody reads any more, as after `mobyvm logs --follow | head`.
terminal.onClosed(() => interrupt.abort());

try {
  const input = processInput(process.stdin);
  processEnd.end(await runCommand(process.argv.slice(2), { ...shared, terminal, input, daemon }));
} catch (error) {
  const isDenied = errnoOf(error) === 'EACCES' && !(await rights.areHeld());
  processEnd.end(report(isDenied ? missingRightsError(rights, error) : error, paths.daemonLog));
}

function pathsOrExit(): InstancePaths {
  try {
    return instancePaths(platform, process.env);
  } catch (error) {
    process.exit(report(error, ''));
  }
}

/** @returns the exit code */
function report(error: unknown, logPath: string): number {
  const told = reportOf(error);
  if (process.argv.includes('--json') || process.argv.includes('--background'))
    terminal.out(JSON.stringify({ error: told }));
  else errorLines(told, logPath).forEach((line) => terminal.error(line));
  if (told.code === 'MOBYVM_BUG' && error instanceof Error) terminal.error(error.stack ?? '');
  return exitCodeOf(told.code);
}
