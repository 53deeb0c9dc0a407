import { expect, test } from 'vitest';
import type { Outcome } from '../../../../src/daemon/diagnose/probe.js';
import { reportPage } from '../../../../src/daemon/diagnose/report-page.plan.js';
import { report, resultsJson } from '../../../../src/daemon/diagnose/report.plan.js';

const subject = {
  version: '0.1.0',
  platform: 'linux',
  createdAt: '2026-11-29T08:00:00.000Z',
  durationMs: 2_345,
};
const outcome: Outcome = {
  id: 'console',
  title: "The VM's console",
  group: 'logs',
  verdict: 'ok',
  durationMs: 12,
  reason: '',
  evidence: { text: 'boot' },
};
const masks = { known: [] };

test('the page shows what the guest printed as text, never as markup', () => {
  const evil = '<script>alert(1)</script>"&\u001b[2J';
  const page = reportPage(
    subject,
    [
      report({ ...outcome, evidence: { text: evil } }, masks),
      report({ ...outcome, id: 'x', verdict: 'failed', reason: evil, evidence: undefined }, masks),
    ],
    [{ title: evil, verdict: 'problem', detail: evil, remedy: evil }],
  );
  expect(page).not.toContain('<script');
  expect(page).not.toContain('\u001b');
  expect(page.match(/&lt;script&gt;alert\(1\)&lt;\/script&gt;/g)).toHaveLength(5);
  expect(page).toContain("default-src 'none'");
});

test('problems come first, and each group of probes has its section', () => {
  const page = reportPage(
    subject,
    [report(outcome, masks)],
    [
      { title: 'Settings', verdict: 'fine', detail: 'valid' },
      { title: 'Ports', verdict: 'problem', detail: 'dnsmasq has port 53', remedy: 'Stop it' },
    ],
  );
  expect(page.indexOf('Ports')).toBeLessThan(page.indexOf('Settings'));
  expect(page).toContain('1 problem');
  expect(page).toContain('<h2>Logs</h2>');
  expect(page).not.toContain('<h2>VM</h2>');
});

test('without answers of doctor, the page says so', () => {
  expect(reportPage(subject, [], undefined)).toContain('did not end in time');
});

test('the page shows the end of a long text and names its file', () => {
  const text = Array.from({ length: 5_000 }, (_, line) => `line ${line}`).join('\n');
  const page = reportPage(subject, [report({ ...outcome, evidence: { text } }, masks)], []);
  expect(page).toContain('line 4999');
  expect(page).not.toContain('line 0\n');
  expect(page).toContain('evidence/console.txt');
});

test('results.json names the file of each probe, has data inline, and masks both', () => {
  const secret = 'hunter2hunter2';
  const results: unknown = JSON.parse(
    resultsJson(subject, [
      report({ ...outcome, evidence: { data: { password: secret, state: 'running' } } }, masks),
      report(
        { ...outcome, id: 'gone', verdict: 'absent', reason: `token=${secret}`, evidence: undefined },
        masks,
      ),
    ]),
  );
  expect(results).toEqual({
    format: 1,
    ...subject,
    probes: [
      expect.objectContaining({
        id: 'console',
        verdict: 'ok',
        file: 'evidence/console.json',
        data: { password: '***', state: 'running' },
      }),
      expect.objectContaining({ id: 'gone', verdict: 'absent', reason: 'token=***', file: null }),
    ],
  });
});
