import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, sleep } from '../../src/core/host/index.js';
import { compiledSource } from '../support/compiled.js';
import { until } from '../support/engine-sockets.js';
import { NetworkNamespace, type RunningProgram } from '../support/netns.js';

let host: NetworkNamespace;
let watching: RunningProgram;

const said = (what: string): number => watching.lines.filter((line) => line === what).length;

beforeEach(async () => {
  const index = join(await compiledSource(), 'vm/index.js');
  host = await NetworkNamespace.create('watched');
  // A process of its own, because a process cannot enter a namespace.
  const program = `
    const { watchNetwork } = await import(${JSON.stringify(index)});
    const logger = { debug() {}, info() {}, warn(event) { console.log(event); }, error() {} };
    watchNetwork({ bridge: () => 'mine0', onChange: (change) => console.log(change), logger });
    setInterval(() => undefined, 1_000);`;
  watching = host.start(process.execPath, ['--input-type=module', '-e', program]);
  // What changes before the two programs have subscribed is not announced.
  await host.ip('link', 'add', 'mine0', 'type', 'bridge');
  while (said('ours') === 0) {
    for (const state of ['up', 'down']) await host.ip('link', 'set', 'mine0', state);
    await sleep(50);
  }
  while (said('others') === 0) {
    await host.run('nft', ['add', 'table', 'ip', `try${Date.now()}`]);
    await sleep(50);
  }
}, 240_000);
afterEach(() => host[Symbol.asyncDispose]());

describe('the watch of the network announces that', () => {
  test.each([
    ['the bridge is set up', ['ip', 'link', 'set', 'mine0', 'up']],
    ['forwarding is switched', ['sysctl', '-qw', 'net.ipv4.ip_forward=1']],
    ['a rule is added to our table', ['nft', 'add', 'table', 'inet', 'mobyvm_mine0']],
  ])('%s', async (_what, [program = '', ...args]) => {
    const before = said('ours');
    await host.run(program, args);
    await until('the change', () => said('ours') > before);
  });
});

test('a watch whose program is killed says so and starts it again', async () => {
  const monitors = async (): Promise<number[]> =>
    (await run('ip', ['netns', 'pids', host.name])).stdout.split('\n').filter(Boolean).map(Number);
  const names = async (pid: number): Promise<string> =>
    (await run('ps', ['-o', 'args=', '-p', String(pid)], { acceptExitCodes: [0, 1] })).stdout.trim();
  const named = await Promise.all((await monitors()).map(async (pid) => [pid, await names(pid)] as const));
  const [pid] = named.find(([, command]) => command === 'nft monitor') ?? expect.fail('no nft monitor');
  process.kill(pid, 'SIGKILL');
  await until('the end to be noticed', () => said('network.watch.ended') === 1);
  const before = said('ours');
  while (said('ours') === before) {
    await host.run('nft', ['add', 'table', 'inet', 'mobyvm_mine0']);
    await host.run('nft', ['delete', 'table', 'inet', 'mobyvm_mine0']);
    await sleep(50);
  }
});

test('nothing is left of a watch whose process is killed', async () => {
  process.kill(watching.pid, 'SIGKILL');
  for (;;) {
    const { stdout } = await run('ip', ['netns', 'pids', host.name]);
    if (stdout.trim() === '') return;
    await sleep(50);
  }
});
