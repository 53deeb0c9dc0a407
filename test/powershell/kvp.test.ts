import { afterAll, beforeAll, expect, it } from 'vitest';
import { PowerShellSession } from '../../src/powershell/index.js';
import { describeKvpExchange } from '../contract/kvp-exchange.js';
import { NEVER, powerShellHarness } from '../support/kvp-harness.js';
import { consoleProgram } from '../support/pwsh-host/console-program.js';
import type { AnswerCmdlet } from '../support/pwsh-host/stub-calls.js';
import { StubHost } from '../support/pwsh-host/stub-host.js';

let answer: AnswerCmdlet;
let stubs: StubHost;
let session: PowerShellSession;
const logged: unknown[] = [];
const log = (event: string, fields?: object): void => void logged.push([event, fields]);

beforeAll(async () => {
  const executable = await consoleProgram();
  stubs = await StubHost.start((call) => answer(call));
  const logger = { debug: log, info: log, warn: log, error: log };
  session = new PowerShellSession({ executable, env: { ...process.env, ...stubs.env }, logger });
});
afterAll(async () => {
  await session.close();
  await stubs.stop();
});

const make = () =>
  powerShellHarness((host) => {
    ({ answer } = host);
    return session;
  });

describeKvpExchange("the Hyper-V exchange through PowerShell's engine", make);

it('logs no value of an item, even if it is not a secret', async () => {
  const { exchange } = await make();
  await exchange.set([{ name: 'mobyvm.token', value: 'Tr0ub4dor&3' }], NEVER);
  await exchange.close();
  expect(JSON.stringify(logged)).toContain('AddKvpItems');
  expect(JSON.stringify(logged)).not.toContain('Tr0ub');
  expect(JSON.stringify(stubs.calls)).toContain('Tr0ub');
});
