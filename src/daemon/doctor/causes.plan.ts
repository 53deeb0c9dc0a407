import type { Finding } from './finding.js';

/** The VM's network on the host: without one of these nothing reaches the VM. */
const WAY_TO_VM = ['network-bridge', 'network-tap', 'network-switch', 'network-address', 'subnet'];
const HYPERV = ['hyperv-feature', 'hypervisor', 'hypervisor-launch', 'vmms'];

/**
 * Which finding explains which: a problem with the first is no finding of its own while one of the others has a problem, and
 * is reported as unknown. Listed are causes for certain; what only may have the same cause is not.
 */
const FOLLOWS: Readonly<Record<string, readonly string[]>> = {
  ports: ['subnet'],
  'hyperv-feature': ['windows'],
  hypervisor: ['windows', 'hyperv-feature', 'hypervisor-launch'],
  vmms: ['windows', 'hyperv-feature'],
  wmi: ['powershell', ...HYPERV],
  'powershell-modules': ['powershell'],
  'twin-vm': ['powershell-modules', ...HYPERV],
  nat: ['powershell-modules'],
  vpn: ['powershell-modules'],
  vm: ['disk', ...HYPERV],
  kvp: ['vm'],
  engine: ['vm', 'certificates', 'data-disk', 'twin-vm', ...WAY_TO_VM],
  clock: ['vm', 'kvp', 'engine'],
  'data-disk': ['vm'],
  shares: ['vm', 'kvp', 'share-server', ...WAY_TO_VM],
};

/** What a question needs to be asked at all: an answer that is missing is explained by a problem with one of these. */
const ASKED_WITH = ['root', 'settings', 'powershell'];

const RANKS: Readonly<Record<Finding['verdict'], number>> = { problem: 0, unknown: 1, notice: 2, fine: 3 };

/**
 * Puts causes before what follows from them: problems first, then what could not be asked because of them. Among equals the
 * order is that in which they can be fixed. Everything that is not fine has a remedy.
 * @param findings in the order in which they were looked for
 */
export function causesFirst(findings: readonly Finding[]): readonly Finding[] {
  const problems = new Map(
    findings.filter(({ verdict }) => verdict === 'problem').map((each) => [each.id, each]),
  );
  const rights = findings.find(({ id, verdict }) => id === 'rights' && verdict !== 'fine')?.remedy;
  const explained = inCausalOrder(findings).map((finding) => {
    const cause = causeOf(finding, problems);
    return withRemedy(cause === undefined ? finding : becauseOf(finding, cause), rights);
  });
  return explained.sort((a, b) => RANKS[a.verdict] - RANKS[b.verdict]);
}

/** Stable: only what comes before its own cause is moved. */
function inCausalOrder(findings: readonly Finding[]): Finding[] {
  const waiting = [...findings];
  const ordered: Finding[] = [];
  while (waiting.length > 0) {
    const waits = ({ id }: Finding): boolean =>
      waiting.some((other) => other.id !== id && originsOf(id).has(other.id));
    const next = waiting.findIndex((each) => !waits(each));
    ordered.push(...waiting.splice(Math.max(next, 0), 1));
  }
  return ordered;
}

/** The problem that explains a finding and is itself explained by none. */
function causeOf({ id, verdict }: Finding, problems: ReadonlyMap<string, Finding>): Finding | undefined {
  if (verdict !== 'problem' && verdict !== 'unknown') return undefined;
  const origins = originsOf(id);
  if (verdict === 'unknown') ASKED_WITH.forEach((each) => origins.add(each));
  origins.delete(id);
  const found = [...origins].flatMap((each) => problems.get(each) ?? []);
  return found.find((each) => [...originsOf(each.id)].every((origin) => !problems.has(origin)));
}

/** Causes of causes included. */
function originsOf(id: string): Set<string> {
  const all = new Set<string>();
  const follow = (each: string): void => {
    for (const origin of FOLLOWS[each] ?? []) {
      if (all.has(origin)) continue;
      all.add(origin);
      follow(origin);
    }
  };
  follow(id);
  return all;
}

function becauseOf({ id, title }: Finding, cause: Finding): Finding {
  return {
    id,
    title,
    verdict: 'unknown',
    detail: `could not be checked because of "${cause.title}": ${cause.detail}`,
    remedy: `Fix "${cause.title}" first.`,
  };
}

function withRemedy(finding: Finding, rights: string | undefined): Finding {
  if (finding.verdict === 'fine' || finding.remedy !== undefined) return finding;
  return {
    ...finding,
    remedy: rights ?? 'Try again; if it stays so, `mobyvm diagnose` collects what there is to know.',
  };
}
