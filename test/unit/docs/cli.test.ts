import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runCommand } from '../../../src/cli/commands.js';
import { COMMANDS, GROUPS } from '../../../src/cli/definitions.js';
import { cliReference } from '../../../src/cli/reference.plan.js';
import { commandContext, printedBy } from '../../support/cli-context.js';

test('docs/cli.md matches the command definitions (npm run docs:cli)', () => {
  const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
  expect(page).toBe(cliReference(COMMANDS));
});

test.each(COMMANDS.map((each) => [each.name, each] as const))(
  'the help of "%s" fits 80 columns and shows its summary, options and one to three examples',
  async (name, { summary, options, examples }) => {
    const { lines, terminal } = printedBy();
    expect(await runCommand([...name.split(' '), '--help'], commandContext({ terminal }))).toBe(0);
    const help = lines.join('\n');
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(help.replaceAll(/\s+/g, ' ')).toContain(`${summary}.`);
    for (const [option, { hidden }] of Object.entries(options))
      if (hidden === true) expect(help).not.toContain(`--${option}`);
      else expect(help).toContain(`--${option}`);
    expect(examples.length).toBeGreaterThanOrEqual(1);
    expect(examples.length).toBeLessThanOrEqual(3);
    for (const [line] of examples) {
      expect(line).toMatch(new RegExp(`^mobyvm ${name}( |$)`));
      expect(help).toContain(line);
    }
  },
);

test('every group of commands has a summary', () => {
  const groups = COMMANDS.map(({ name }) => name.split(' ')).filter((words) => words.length > 1);
  expect(new Set(groups.map(([first]) => first))).toEqual(new Set(Object.keys(GROUPS)));
});
