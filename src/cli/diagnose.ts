import { resolve } from 'node:path';
import { EXIT_OK } from '../protocol/exit-code.js';
import type { CommandContext, CommandResult, Diagnosis } from './context.js';
import { DiagnosisFile } from './diagnosis-file.js';
import { questionsOverSocket } from './diagnosis-questions.js';
import { withoutControls } from './terminal.js';

export interface DiagnoseOptions {
  /** By default a name with the time, in the current folder. */
  readonly out: string | undefined;
  /** Replace a file that is there. */
  readonly force: boolean;
  readonly json: boolean;
}

/** `mobyvm diagnose`: one zip file about everything, whatever runs and whatever does not. */
export async function diagnose(context: CommandContext, options: DiagnoseOptions): CommandResult {
  const { terminal, daemon } = context;
  const path = resolve(options.out ?? usualName(new Date()));
  await using target = await DiagnosisFile.create(path, options.force);
  if (!options.json) terminal.error('Collecting; this takes less than a minute.');
  const diagnosis = await daemon.diagnose({ asked: questionsOverSocket(context) });
  context.interrupted.throwIfAborted();
  await target.write(diagnosis.file);
  const lines = options.json ? [JSON.stringify(summaryOf(path, diagnosis))] : linesOf(path, diagnosis);
  lines.forEach((line) => terminal.out(line));
  return EXIT_OK;
}

function usualName(now: Date): string {
  const digits = now.toISOString().replaceAll(/[-:]|\.\d+Z$/g, '');
  return `mobyvm-diagnosis-${digits.replace('T', '-')}.zip`;
}

function summaryOf(path: string, { file, probes }: Diagnosis): unknown {
  return { file: path, bytes: file.length, probes };
}

function linesOf(path: string, { file, probes }: Diagnosis): readonly string[] {
  const collected = probes.filter(({ verdict }) => verdict === 'ok').length;
  const lost = probes.filter(({ verdict }) => verdict === 'failed' || verdict === 'late');
  return [
    ...lost.map(({ title, reason }) => `${title}: ${withoutControls(reason.replaceAll(/\s+/g, ' '))}`),
    `${path} has ${collected} of ${probes.length} answers (${Math.ceil(file.length / 1024)} KiB). Begin with its index.html.`,
    'Passwords, tokens and keys are masked; look through it before you publish it.',
  ];
}
