import { MobyvmError } from '../core/values/index.js';
import { EXIT_FAILED, EXIT_OK } from '../protocol/exit-code.js';
import type { Finding } from '../protocol/messages.js';
import type { CommandContext, CommandResult } from './context.js';
import { ControlClient } from './control-client.js';
import { withoutControls } from './terminal.js';

type Verdict = Finding['verdict'];

const MARKS: Readonly<Record<Verdict, string>> = {
  fine: 'ok',
  notice: 'note',
  problem: 'PROBLEM',
  unknown: '?',
};

/** `mobyvm doctor`: checks everything that mobyvm needs of this host, with or without a daemon. Changes nothing. */
export async function doctor(context: CommandContext, { json }: { readonly json: boolean }): CommandResult {
  const { terminal } = context;
  const findings = await findingsOf(context);
  if (json) terminal.out(JSON.stringify({ findings }));
  else findingLines(findings).forEach((line) => terminal.out(line));
  return findings.some(({ verdict }) => verdict === 'problem') ? EXIT_FAILED : EXIT_OK;
}

/** A daemon sees the host from its own network namespace, and knows its machine. */
export function findingsOf(context: CommandContext, signal?: AbortSignal): Promise<readonly Finding[]> {
  const { paths, rights } = context;
  const client = new ControlClient(paths.controlSocket, rights);
  return client.examineHost(signal).catch((error: unknown) => withoutDaemon(context, error));
}

export function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ title }) => title.length));
  const lines = findings.flatMap(({ verdict, title, detail, remedy }) => [
    `${MARKS[verdict].padEnd(7)}  ${title.padEnd(width)}  ${withoutControls(detail)}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(9 + width)}  → ${withoutControls(remedy)}`]),
  ]);
  return [...lines, '', summary(findings)];
}

function summary(findings: readonly Finding[]): string {
  const count = (wanted: Verdict): number => findings.filter(({ verdict }) => verdict === wanted).length;
  const problems = count('problem');
  if (problems > 0) return `${problems} ${problems === 1 ? 'problem' : 'problems'} found.`;
  const unseen = count('unknown');
  return unseen === 0
    ? 'No problems found.'
    : `No problems found, but ${unseen} ${unseen === 1 ? 'check' : 'checks'} could not be made (marked with ?).`;
}

/** A daemon that doesn't run, or that this user may not ask, is not a problem of the host; one that hangs is. */
async function withoutDaemon({ daemon }: CommandContext, error: unknown): Promise<readonly Finding[]> {
  const findings = await daemon.examineHost();
  if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_CONTROL_API') return findings;
  const { message, remedy } = error;
  const detail = message.replace(/\.$/, '');
  return [{ id: 'daemon', title: 'Daemon', verdict: 'problem', detail, remedy }, ...findings];
}
