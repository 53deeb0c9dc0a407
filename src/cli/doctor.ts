import { errnoOf, MobyvmError } from '../core/values/index.js';
import { EXIT_FAILED, EXIT_OK } from '../protocol/exit-code.js';
import type { Finding } from '../protocol/messages.js';
import { endpointUrl } from '../protocol/platform.js';
import type { CommandContext, CommandResult } from './context.js';
import { ControlClient } from './control-client.js';
import { clientFinding } from './docker-client.plan.js';
import { withoutControls } from './terminal.js';

type Verdict = Finding['verdict'];

const MARKS: Readonly<Record<Verdict, string>> = {
  fine: 'ok',
  notice: 'note',
  problem: 'PROBLEM',
  unknown: '?',
};

export interface DoctorOptions {
  readonly json: boolean;
  /** Repair what can be repaired while the VM runs. */
  readonly fix: boolean;
  /** Without asking. */
  readonly yes: boolean;
}

/** `mobyvm doctor`: checks everything that mobyvm needs of this host, with or without a daemon. */
export async function doctor(context: CommandContext, options: DoctorOptions): CommandResult {
  const { fix, yes, json } = options;
  if (yes && !fix) throw usageError('--yes is for --fix.', 'Add --fix, or leave out --yes.');
  if (fix && !yes && (json || !context.input.isTerminal)) throw unansweredError();
  const findings = await findingsOf(context);
  const fixable = fix ? findings.filter(({ isFixable }) => isFixable === true) : [];
  if (fixable.length === 0) {
    print(context, findings, options);
    if (fix && !json) context.terminal.out('Nothing found that mobyvm can repair by itself.');
    return hasProblem(findings) ? EXIT_FAILED : EXIT_OK;
  }
  if (!yes) {
    print(context, findings, options);
    if (!(await isWanted(context, fixable))) return EXIT_FAILED;
  }
  const { paths, rights, interrupted } = context;
  const after = withClient(context, await new ControlClient(paths.controlSocket, rights).repair(interrupted));
  print(context, after, options);
  const isRepaired = !after.some(({ isFixable }) => isFixable === true);
  return isRepaired && !hasProblem(after) ? EXIT_OK : EXIT_FAILED;
}

function print({ terminal }: CommandContext, findings: readonly Finding[], { json }: DoctorOptions): void {
  if (json) terminal.out(JSON.stringify({ findings }));
  else findingLines(findings).forEach((line) => terminal.out(line));
}

function hasProblem(findings: readonly Finding[]): boolean {
  return findings.some(({ verdict }) => verdict === 'problem');
}

async function isWanted(context: CommandContext, fixable: readonly Finding[]): Promise<boolean> {
  const { terminal, input, interrupted } = context;
  terminal.prompt(`Repair ${fixable.map(({ title }) => title).join(', ')}? [y/N] `);
  if (/^y(es)?$/i.test((await input.readLine(interrupted)).trim())) return true;
  terminal.error('Nothing was changed.');
  return false;
}

/** What of this user's environment leads Docker's clients elsewhere; the daemon has another one. */
function withClient(
  { env, platform, paths }: CommandContext,
  findings: readonly Finding[],
): readonly Finding[] {
  const own = [paths.engineSocket, paths.usualEngineSocket].filter((each) => each !== undefined);
  const endpoints = own.map((each) => endpointUrl(platform, each));
  const found = clientFinding(env, endpoints);
  if (found === undefined) return findings;
  // The daemon has put what is fine last.
  const firstFine = findings.findIndex(({ verdict }) => verdict === 'fine');
  const at = firstFine < 0 ? findings.length : firstFine;
  return [...findings.slice(0, at), found, ...findings.slice(at)];
}

/** A daemon sees the host from its own network namespace, and knows its machine. */
export function findingsOf(context: CommandContext, signal?: AbortSignal): Promise<readonly Finding[]> {
  const { paths, rights } = context;
  const client = new ControlClient(paths.controlSocket, rights);
  return client
    .examineHost(signal)
    .catch((error: unknown) => withoutDaemon(context, error))
    .then((findings) => withClient(context, findings));
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

/** A daemon that doesn't run, or that this user may not ask, is not a problem of the host; one that hangs or was killed is. */
async function withoutDaemon({ daemon }: CommandContext, error: unknown): Promise<readonly Finding[]> {
  const [findings, own] = await Promise.all([daemon.examineHost(), daemonFinding(daemon, error)]);
  return own === undefined ? findings : [own, ...findings];
}

async function daemonFinding(daemon: CommandContext['daemon'], error: unknown): Promise<Finding | undefined> {
  if (!(error instanceof MobyvmError)) return undefined;
  const named = { id: 'daemon', title: 'Daemon', verdict: 'problem' } as const;
  const { code, message, remedy } = error;
  if (code === 'MOBYVM_CONTROL_API') return { ...named, detail: message.replace(/\.$/, ''), remedy };
  if (code !== 'MOBYVM_DAEMON_NOT_RUNNING') return undefined;
  // A daemon that ended by itself removes its socket, and what it set up.
  const hasLeftSocket = errnoOf(error.cause) === 'ECONNREFUSED';
  if (!hasLeftSocket && !(await hasLeftovers(daemon))) return undefined;
  return {
    ...named,
    detail: `is not running: it was killed${hasLeftSocket ? ', and its control socket is left' : ''}`,
    remedy:
      'Run `mobyvm up`: it takes over what is left, also a VM that still runs. `mobyvm down` removes it.',
  };
}

/** A ledger that cannot be read is a finding of its own, and must not keep the others from being made. */
async function hasLeftovers(daemon: CommandContext['daemon']): Promise<boolean> {
  try {
    return (await daemon.leftovers()) > 0;
  } catch (error) {
    if (error instanceof MobyvmError && error.code === 'MOBYVM_STATE_FILE') return false;
    throw error;
  }
}

function unansweredError(): MobyvmError {
  return usageError(
    '"mobyvm doctor --fix" asks before it repairs anything, and cannot ask without a terminal.',
    'Add --yes to repair without a question.',
  );
}

function usageError(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_USAGE', message, remedy);
}
