import { afterAll, beforeAll, test } from 'vitest';
import { FaultyMachine } from '../support/vm/faulty-machine.js';

/** Those of the twenty faults of docs/faults.md that are in the guest; see twenty-faults.test.ts. */
let machine: FaultyMachine;
beforeAll(async () => {
  machine = await FaultyMachine.create();
});
afterAll(() => machine[Symbol.asyncDispose]());

test('an engine that is dead', async () => {
  await machine.suffer({
    title: 'dockerd is dead in the guest',
    make: () =>
      machine.detached(
        'engine',
        (isOver) => `rc-service docker stop; until ${isOver}; do sleep 1; done; rc-service docker start`,
      ),
    id: 'engine',
    detail: /^does not answer: /,
    undo: () => machine.release('engine'),
  });
});

test('an hv_kvp_daemon that is dead', async () => {
  await machine.suffer({
    title: 'hv_kvp_daemon is dead in the guest',
    make: () => machine.inVm('rc-service mobyvm-kvp stop >/dev/null 2>&1'),
    id: 'kvp',
    detail: /^hv_kvp_daemon in the VM does not answer/,
    undo: () => machine.inVm('rc-service mobyvm-kvp start >/dev/null 2>&1'),
  });
});

test("a token that is not this machine's", async () => {
  const again = 'rc-service mobyvm-share-events restart >/dev/null 2>&1';
  await machine.suffer({
    title: 'the guest has another token',
    make: () =>
      machine.inVm(`cd /run/mobyvm && cp -p token kept && echo not-the-right-token >token && ${again}`),
    id: 'token',
    detail: /in the VM showed a token that is not this machine's/,
    undo: () => machine.inVm(`cd /run/mobyvm && mv kept token && ${again}`),
  });
});

test('a clock that is off', async () => {
  const at = Math.round(Date.now() / 1000) + 7_200;
  await machine.suffer({
    title: "the VM's clock is off",
    make: () =>
      machine.detached(
        'clock',
        (isOver) =>
          `rc-service mobyvm-clock stop; until ${isOver}; do date -s @${at}; sleep 1; done; rc-service mobyvm-clock start`,
      ),
    id: 'clock',
    detail: /^is \d+ s ahead of this host's$/,
    undo: () => machine.release('clock'),
  });
});
