import { join, posix, win32 } from 'node:path';
import { z } from 'zod';
import { timeLimit, windowsProgram, zipFile, type ZipEntry } from '../../core/host/index.js';
import { PowerShellSession } from '../../powershell/index.js';
import type { AskedProbe } from '../../protocol/diagnosis-questions.js';
import { finding, type Finding } from '../../protocol/messages.js';
import { version } from '../../protocol/version.js';
import type { DaemonContext } from '../daemon-context.js';
import { DATA_DISK_NAMES } from '../host-side/data-disk.js';
import { rejectionOf } from '../doctor/look.js';
import { readInstance } from '../instance.js';
import { engineProbes } from './engine-probes.js';
import { fileProbes } from './file-probes.js';
import { knownSecrets } from './known-secrets.js';
import { linuxProbes } from './linux-probes.js';
import { ownProbes } from './own-probes.js';
import type { Outcome, Probe, Verdict } from './probe.js';
import { reportPage } from './report-page.plan.js';
import { report, resultsJson, type Reported } from './report.plan.js';
import { resolverProbe } from './resolver-probe.js';
import { runProbes } from './run-probes.js';
import { windowsProbes } from './windows-probes.js';

export interface DiagnoseOptions {
  /** The one with the id `doctor` returns findings, which the page shows first. */
  readonly asked: readonly AskedProbe[];
  /** The host's DNS servers; by default those that Node.js finds. */
  readonly nameServers?: (() => readonly string[]) | undefined;
}

export interface Diagnosis {
  /** A zip file. */
  readonly file: Uint8Array;
  readonly probes: readonly {
    readonly id: string;
    readonly title: string;
    readonly verdict: Verdict;
    readonly reason: string;
    readonly durationMs: number;
  }[];
}

/** Leaves time for what is done before and after, and to write the bundle within a minute. */
const TOTAL_SECONDS = 45;
/** For a small file, on a disk that may hang. */
const FILE_SECONDS = 3;
const SECRETS_SECONDS = 5;
const CLOSE_SECONDS = 3;

/** Collects what there is to know about this host and its machine. Changes nothing, and needs no daemon and no network. */
export async function diagnose(
  context: DaemonContext,
  { asked, nameServers }: DiagnoseOptions,
): Promise<Diagnosis> {
  const { paths, platform, interrupted: signal } = context;
  const started = new Date();
  const nowMs = (): number => performance.now();
  const startedMs = nowMs();
  const host = await hostProbes(context);
  try {
    const all = [
      ...asked.map(({ ask, ...each }): Probe => ({ ...each, look: ask })),
      ...ownProbes(context),
      ...engineProbes(paths.engineSocket),
      resolverProbe(nameServers),
      ...host.probes,
      ...fileProbes(paths, (...parts) => (platform === 'windows' ? win32 : posix).join(...parts)),
    ];
    const outcomes = await runProbes(all, { totalSeconds: TOTAL_SECONDS, signal, nowMs });
    const known = await within(SECRETS_SECONDS, knownSecrets(context)).catch(() => undefined);
    signal.throwIfAborted();
    const reported = outcomes.map((outcome) =>
      report(known === undefined ? withheld(outcome) : outcome, { known: known ?? [] }),
    );
    const subject = {
      version,
      platform,
      createdAt: started.toISOString(),
      durationMs: Math.round(nowMs() - startedMs),
    };
    const page = reportPage(subject, reported, findingsIn(reported));
    const entries = [
      entry('index.html', page),
      entry('results.json', resultsJson(subject, reported)),
      ...reported.flatMap(({ file }) => (file === undefined ? [] : [entry(file.name, file.content)])),
    ];
    return { file: zipFile(entries, started), probes: reported.map(summaryOf) };
  } finally {
    await within(CLOSE_SECONDS, host.close()).catch(() => undefined);
  }
}

/** @throws when the time is over, whatever becomes of the work */
function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  return Promise.race([work, rejectionOf(timeLimit(seconds * 1000))]);
}

/** Better no evidence than one in which secrets could not be masked. */
function withheld(outcome: Outcome): Outcome {
  if (outcome.evidence === undefined) return outcome;
  const reason = 'left out: the secrets that would have to be masked in it could not be read in time';
  return { ...outcome, verdict: 'late', reason, evidence: undefined };
}

interface HostProbes {
  readonly probes: readonly Probe[];
  close(): Promise<void>;
}

async function hostProbes({ platform, paths, env }: DaemonContext): Promise<HostProbes> {
  if (platform === 'windows') {
    const systemProgram = (name: string): string => windowsProgram(name, env['SystemRoot']);
    const executable = systemProgram('WindowsPowerShell\\v1.0\\powershell');
    const session = new PowerShellSession({ executable, env });
    return { probes: windowsProbes({ powerShell: session, systemProgram }), close: () => session.close() };
  }
  const instance = within(FILE_SECONDS, readInstance(paths.runDir));
  const { namespace } = await instance.catch(() => ({ namespace: undefined }));
  const dataDisk = join(paths.vmStateDir, DATA_DISK_NAMES.linux);
  return { probes: linuxProbes({ paths, namespace, dataDisk }), close: () => Promise.resolve() };
}

function findingsIn(reported: readonly Reported[]): readonly Finding[] | undefined {
  return z.array(finding).safeParse(reported.find(({ id }) => id === 'doctor')?.data).data;
}

function entry(name: string, text: string): ZipEntry {
  return { name, content: Buffer.from(text, 'utf8') };
}

function summaryOf({ id, title, verdict, reason, durationMs }: Reported): Diagnosis['probes'][number] {
  return { id, title, verdict, reason, durationMs };
}
