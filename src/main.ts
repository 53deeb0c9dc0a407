#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { errnoOf, reportOf } from './core/values/index.js';
import { runCommand } from './cli/commands.js';
import type { CommandContext } from './cli/context.js';
import { exitCodeOf } from './cli/exit-code.js';
import { errorLines } from './cli/render-error.js';
import { readInput } from './cli/read-input.js';
import { processTerminal } from './cli/terminal.js';
import { notRoot } from './daemon/not-root.js';
import { runDaemon } from './daemon/run-daemon.js';
import { linuxPaths, windowsPaths } from './protocol/paths.js';
import { hasWindowsPaths } from './daemon/platform.js';

/** The entry: the only file that reads the process's arguments and environment, and that ends the process. */
const paths = hasWindowsPaths() ? windowsPaths(process.env) : linuxPaths(process.env);
const terminal = processTerminal(process);
const interrupt = new AbortController();
const context: CommandContext = {
  paths,
  terminal,
  env: process.env,
  self: [process.execPath, fileURLToPath(import.meta.url)],
  commandLine: ['mobyvm', ...process.argv.slice(2)].join(' ').slice(0, 200),
  pid: process.pid,
  isRoot: process.getuid?.() === 0,
  interrupted: interrupt.signal,
  readInput: () => readInput(process.stdin),
  packageDir: fileURLToPath(new URL('../', import.meta.url)),
};

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The first one asks politely; whoever insists gets out at once.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  });
}

try {
  process.exitCode = await runCommand(process.argv.slice(2), context, (options) =>
    runDaemon(context, options),
  );
} catch (error) {
  // Files that only root may read or write are met first by whoever is not root.
  const report = reportOf(errnoOf(error) === 'EACCES' && !context.isRoot ? notRoot(error) : error);
  if (process.argv.includes('--json') || process.argv.includes('--background'))
    terminal.out(JSON.stringify({ error: report }));
  else errorLines(report, paths.daemonLog).forEach((line) => terminal.error(line));
  if (report.code === 'MOBYVM_BUG' && error instanceof Error) terminal.error(error.stack ?? '');
  process.exitCode = exitCodeOf(report.code);
}
