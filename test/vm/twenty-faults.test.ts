import { afterAll, beforeAll, expect, test } from 'vitest';
import { FaultyMachine } from '../support/vm/faulty-machine.js';

/**
 * Those of the twenty faults of docs/faults.md that are the host's and need a guest, on one machine: each is made, doctor
 * names it first and diagnose has it, and when it is undone doctor is content again.
 */
let machine: FaultyMachine;
beforeAll(async () => {
  machine = await FaultyMachine.create();
});
afterAll(() => machine[Symbol.asyncDispose]());

test('QEMU that is stopped', async () => {
  const pid = await machine.instance.qemuPid();
  const fault = {
    title: 'QEMU is stopped',
    make: () => Promise.resolve(process.kill(pid, 'SIGSTOP')),
    id: 'vm',
    detail: /^does not answer: something has stopped its process/,
    undo: () => Promise.resolve(process.kill(pid, 'SIGCONT')),
  };
  await machine.suffer(fault, async () => {
    const found = await machine.findings();
    for (const id of ['kvp', 'engine'])
      expect(found.find((each) => each.id === id)).toMatchObject({
        verdict: 'unknown',
        detail: expect.stringContaining('because of "Virtual machine"') as string,
      });
  });
});

test('a file server that is dead', async () => {
  const send = async (signal: NodeJS.Signals): Promise<void> => {
    for (const pid of await machine.fileServers()) process.kill(pid, signal);
  };
  await machine.suffer({
    title: 'the file server (smbd) is dead',
    make: () => send('SIGSTOP'),
    id: 'shares',
    detail: /^C: the server for shares \(smbd, process \d+\) does not answer/,
    undo: () => send('SIGCONT'),
  });
});

test('an upstream DNS server that is dead', async () => {
  await machine.suffer({
    title: 'the upstream DNS servers are dead',
    make: () => machine.stopUpstream(),
    id: 'dns',
    detail: new RegExp(`^no server answers: ${FaultyMachine.upstream}`),
    undo: () => machine.startUpstream(),
  });
});

test('a data disk that is full', async () => {
  const file = '/var/lib/docker/fill';
  const size = '$((($4 - 409600) * 1024))';
  await machine.suffer({
    title: "the VM's data disk is full",
    make: () => machine.inVm(`set -- $(df -Pk /var/lib/docker | tail -n 1); fallocate -l ${size} ${file}`),
    id: 'data-disk',
    detail: /^The VM's data disk is \d+ % full/,
    undo: () => machine.inVm(`rm -f ${file}`),
  });
});
