// Writes docs/windows-coverage.md: which lines of the code for Windows the tests execute. Runs the tiers that do; with
// --keep, only evaluates what the last run has left in build/coverage.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import convert from 'ast-v8-to-istanbul';
import { parseAstAsync } from 'vitest/node';

const ROOT = resolve(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'build/coverage');
const UNDER_WINE = join(FOLDER, 'wine');
const IN_VITEST = join(FOLDER, 'vitest');
const BUNDLE = join(ROOT, 'build/windows-product/stage/lib');
const REASONS = join(ROOT, 'test/windows/not-executed.json');
const PAGE = join(ROOT, 'docs/windows-coverage.md');

/** The code that runs on Windows only. */
const WINDOWS_ONLY =
  /^src\/(windows|powershell|vm\/hyperv|vm\/network\/windows|kvp\/hyperv|share\/smb-windows|share\/events\/windows|daemon\/windows)\/|^src\/daemon\/(windows-daemon|doctor\/.*windows.*)\.ts$/;

if (!process.argv.includes('--keep')) await runTests();

/** Per file: line → whether it was executed. */
const lines = new Map();
await addVitest();
await addWine();
await writePage();

async function runTests() {
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(UNDER_WINE, { recursive: true });
  const projects = ['unit', 'contract', 'powershell', 'windows'].flatMap((name) => ['--project', name]);
  const coverage = [
    '--coverage.enabled',
    '--coverage.provider=v8',
    '--coverage.reporter=json',
    '--coverage.reportOnFailure',
  ];
  const { status } = spawnSync(
    join(ROOT, 'node_modules/.bin/vitest'),
    [
      'run',
      ...projects,
      ...coverage,
      `--coverage.reportsDirectory=${IN_VITEST}`,
      '--coverage.include=src/**',
    ],
    { cwd: ROOT, stdio: 'inherit', env: { ...process.env, MOBYVM_TEST_COVERAGE: UNDER_WINE } },
  );
  if (status !== 0) process.exitCode = 1;
}

async function addVitest() {
  add(JSON.parse(await readFile(join(IN_VITEST, 'coverage-final.json'), 'utf8')));
}

async function addWine() {
  for (const name of await readdir(UNDER_WINE)) {
    const { result } = JSON.parse(await readFile(join(UNDER_WINE, name), 'utf8'));
    for (const script of result) {
      const file = await compiledFile(script.url);
      if (file === undefined) continue;
      const code = await readFile(file, 'utf8');
      const sourceMap = JSON.parse(await readFile(`${file}.map`, 'utf8'));
      const coverage = { url: new URL(`file://${file}`).href, functions: script.functions };
      add(await convert({ code, sourceMap, coverage, ast: parseAstAsync(code) }));
    }
  }
}

/** Z:\project is the checkout; what is installed elsewhere comes from the stage of the package. */
async function compiledFile(url) {
  if (!url.startsWith('file:///')) return undefined;
  const path = decodeURIComponent(new URL(url).pathname).slice(1);
  const file = path.startsWith('Z:/project/')
    ? join(ROOT, path.slice('Z:/project/'.length))
    : join(BUNDLE, path.replace(/^.*\//, ''));
  return existsSync(`${file}.map`) ? file : undefined;
}

function add(coverage) {
  for (const [path, { statementMap, s }] of Object.entries(coverage)) {
    const name = relative(ROOT, path.startsWith('file:') ? fileURLToPath(path) : path);
    if (!WINDOWS_ONLY.test(name)) continue;
    const ofFile = lines.get(name) ?? new Map();
    lines.set(name, ofFile);
    for (const [id, { start }] of Object.entries(statementMap))
      ofFile.set(start.line, ofFile.get(start.line) === true || s[id] > 0);
  }
}

async function writePage() {
  const reasons = JSON.parse(await readFile(REASONS, 'utf8'));
  const rows = [];
  let all = 0;
  let executed = 0;
  for (const [name, ofFile] of [...lines].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const missing = [...ofFile].filter(([, wasExecuted]) => !wasExecuted).map(([line]) => line);
    all += ofFile.size;
    executed += ofFile.size - missing.length;
    if (missing.length === 0) continue;
    const reason = reasons[name];
    if (reason === undefined) process.exitCode = 1;
    rows.push(`| \`${name}\` | ${ofFile.size} | ${ranges(missing)} | ${reason ?? '**no reason given**'} |`);
  }
  const share = ((executed / all) * 100).toFixed(1);
  const text = `# Code for Windows that no test executes

Written by \`npm run coverage:windows\` (about 15 minutes), which runs the tiers \`unit\`, \`contract\`, \`powershell\` and \`windows\`; reasons are in
test/windows/not-executed.json. Of ${all} lines with a statement in ${lines.size} files, ${executed} are executed (${share} %). Line numbers
are those of the day on which it was written.

| file | lines | not executed | why |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
  await writeFile(PAGE, text);
  execFileSync(join(ROOT, 'node_modules/.bin/prettier'), ['--write', '--log-level', 'warn', PAGE]);
  process.stdout.write(text);
}

/** 1, 2, 3, 7 → 1–3, 7 */
function ranges(numbers) {
  const found = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}
