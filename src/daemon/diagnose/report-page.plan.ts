import { PROBE_GROUPS, type ProbeGroup, type Verdict } from './probe.js';
import type { Reported, Subject } from './report.plan.js';
import { STYLE } from './report-style.plan.js';

const GROUP_TITLES: Readonly<Record<ProbeGroup, string>> = {
  summary: 'mobyvm',
  vm: 'VM',
  engine: 'Docker Engine',
  network: 'Network',
  names: 'Name resolution',
  shares: 'Shares',
  host: 'Host',
  files: 'Files',
  logs: 'Logs',
};
const VERDICTS: Readonly<Record<Verdict, string>> = {
  ok: 'collected',
  absent: 'nothing there',
  failed: 'failed',
  late: 'too slow',
};
/** What is shown of a long text; the whole is in its file. */
const SHOWN_LINES = 400;
const SHOWN_CHARACTERS = 60_000;

/** Of `mobyvm doctor`, as far as the page shows it. */
export interface ShownFinding {
  readonly title: string;
  readonly verdict: string;
  readonly detail: string;
  readonly remedy?: string | undefined;
}

/** index.html: one page without scripts or anything from elsewhere. */
export function reportPage(
  subject: Subject,
  reported: readonly Reported[],
  findings: readonly ShownFinding[] | undefined,
): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>mobyvm diagnosis of ${escaped(subject.createdAt)}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<header>',
    '<h1>mobyvm diagnosis</h1>',
    `<p>mobyvm ${escaped(subject.version)} on ${escaped(subject.platform)}, collected at <time>${escaped(subject.createdAt)}</time> in ${seconds(subject.durationMs)}.</p>`,
    '<p>Passwords, tokens and keys are replaced by <code>***</code>. Addresses, paths and names are not: look through this before you publish it.</p>',
    `<ul class="counts">${counts(reported)}</ul>`,
    '</header>',
    '<main>',
    ...doctorSection(findings),
    ...PROBE_GROUPS.flatMap((group) => groupSection(group, reported)),
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function counts(reported: readonly Reported[]): string {
  return Object.entries(VERDICTS)
    .map(
      ([verdict, title]) =>
        [verdict, title, reported.filter((each) => each.verdict === verdict).length] as const,
    )
    .filter(([, , count]) => count > 0)
    .map(([verdict, title, count]) => `<li class="${verdict}"><b>${count}</b> ${title}</li>`)
    .join('');
}

/** The problems come first: they are why the page is read. */
const ORDER = ['problem', 'unknown', 'notice', 'fine'];

function doctorSection(findings: readonly ShownFinding[] | undefined): readonly string[] {
  if (findings === undefined)
    return [
      '<section>',
      '<h2>Findings</h2>',
      '<p>The checks of this host did not end in time.</p>',
      '</section>',
    ];
  const sorted = [...findings].sort(
    (one, other) => ORDER.indexOf(one.verdict) - ORDER.indexOf(other.verdict),
  );
  const problems = findings.filter(({ verdict }) => verdict === 'problem').length;
  return [
    '<section>',
    `<h2>Findings <small>${problems === 0 ? 'no problem found' : `${problems} ${problems === 1 ? 'problem' : 'problems'}`}</small></h2>`,
    '<dl class="findings">',
    ...sorted.flatMap(({ title, verdict, detail, remedy }) => [
      `<dt class="${escaped(verdict)}">${escaped(title)} <span class="badge">${escaped(verdict)}</span></dt>`,
      `<dd>${escaped(detail)}${remedy === undefined ? '' : `<p class="remedy">${escaped(remedy)}</p>`}</dd>`,
    ]),
    '</dl>',
    '</section>',
  ];
}

function groupSection(group: ProbeGroup, reported: readonly Reported[]): readonly string[] {
  const members = reported.filter((each) => each.group === group);
  if (members.length === 0) return [];
  return ['<section>', `<h2>${GROUP_TITLES[group]}</h2>`, ...members.map(probeEntry), '</section>'];
}

function probeEntry({ id, title, verdict, reason, durationMs, file }: Reported): string {
  const head = `${escaped(title)} <span class="badge ${verdict}">${VERDICTS[verdict]}</span>`;
  if (file === undefined) {
    return `<div class="probe" id="${escaped(id)}"><p class="head">${head}</p><p class="reason">${escaped(reason)}</p></div>`;
  }
  const { shown, isCut } = endOf(file.content);
  const more = `<p class="file"><a href="${escaped(file.name)}">${escaped(file.name)}</a>, ${seconds(durationMs)}${isCut ? '; this is its end' : ''}</p>`;
  return `<details class="probe" id="${escaped(id)}"><summary>${head}</summary>${more}<pre tabindex="0">${escaped(shown)}</pre></details>`;
}

function endOf(content: string): { readonly shown: string; readonly isCut: boolean } {
  const lines = content.split('\n');
  const shown = lines.slice(-SHOWN_LINES).join('\n').slice(-SHOWN_CHARACTERS);
  return { shown, isCut: shown.length < content.length };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** What the evidence says comes from logs, a guest and other programs: it must not become markup. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[^\P{Cc}\t\n]/gu, '');
}
