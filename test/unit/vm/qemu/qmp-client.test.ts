import { describe, expect, test } from 'vitest';
import { QmpClient, type QmpEvent } from '../../../../src/vm/qemu/qmp-client.js';
import { queryMigration, queryRunState } from '../../../../src/vm/qemu/qmp-queries.js';
import { MAX_QMP_LINE_BYTES } from '../../../../src/vm/qemu/qmp.codec.js';
import { returning, ScriptedQmp, type QmpCall } from '../../../support/vm/scripted-qmp.js';
import { until } from '../../../support/vm/vm-harness.js';

describe('a QMP client', () => {
  test('reads the greeting, negotiates and returns the answers', async () => {
    await using qemu = await ScriptedQmp.listen((call) => returning(call, { status: 'running' }));
    const client = await QmpClient.connect(qemu.path);
    expect(client.version).toBe('9.2.1');
    expect(await queryRunState(client)).toBe('running');
    expect(qemu.calls.map((call) => call.execute)).toEqual(['qmp_capabilities', 'query-status']);
    client.close();
  });

  test('matches answers by id, in any order', async () => {
    const calls: QmpCall[] = [];
    await using qemu = await ScriptedQmp.listen((call) => {
      calls.push(call);
      return calls.length < 3
        ? undefined
        : [...calls]
            .reverse()
            .map((each) => returning(each, each.execute))
            .join('');
    });
    const client = await QmpClient.connect(qemu.path);
    const answers = Promise.all(['a', 'b', 'c'].map((name) => client.execute(name)));
    expect(await answers).toEqual(['a', 'b', 'c']);
    client.close();
  });

  test('reports QEMU’s own error', async () => {
    await using qemu = await ScriptedQmp.listen(
      ({ id }) => `{"id": ${id}, "error": {"class": "GenericError", "desc": "no such device"}}\r\n`,
    );
    const client = await QmpClient.connect(qemu.path);
    await expect(client.execute('eject')).rejects.toMatchObject({
      code: 'MOBYVM_QMP',
      message: 'QEMU rejected "eject": no such device',
      details: { command: 'eject', errorClass: 'GenericError' },
    });
    client.close();
  });

  test('emits events before and between answers', async () => {
    await using qemu = await ScriptedQmp.listen((call) => returning(call, {}));
    const client = await QmpClient.connect(qemu.path);
    const events: QmpEvent[] = [];
    const unsubscribe = client.onEvent((event) => events.push(event));
    qemu.say('{"event": "STOP"}\r\n{"event": "SHUTDOWN", "data": {"reason": "guest-reset"}}\r\n');
    await client.execute('cont');
    unsubscribe();
    qemu.say('{"event": "RESUME"}\r\n');
    await client.execute('cont');
    expect(events).toEqual([
      expect.objectContaining({ name: 'STOP', data: {} }),
      expect.objectContaining({ name: 'SHUTDOWN', data: { reason: 'guest-reset' } }),
    ]);
    client.close();
  });

  test('gives up on an unanswered command, drops its late answer and remains usable', async () => {
    let late: QmpCall | undefined;
    await using qemu = await ScriptedQmp.listen((call) => {
      if (call.execute !== 'slow')
        return (late === undefined ? '' : returning(late, 'late')) + returning(call, 'on time');
      late = call;
      return undefined;
    });
    const client = await QmpClient.connect(qemu.path);
    await expect(client.execute('slow', {}, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'MOBYVM_QMP',
      details: { command: 'slow', timeoutMs: 20 },
    });
    expect(await client.execute('quick')).toBe('on time');
    client.close();
  });

  test('does not wait forever for a monitor that sends no greeting', async () => {
    await using qemu = await ScriptedQmp.listen(() => undefined, '');
    await expect(QmpClient.connect(qemu.path, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'MOBYVM_QMP',
    });
  });

  test('rejects all pending calls when the connection ends, and reports the end once', async () => {
    await using qemu = await ScriptedQmp.listen();
    const client = await QmpClient.connect(qemu.path);
    let closes = 0;
    client.onClose(() => (closes += 1));
    const waits = ['a', 'b'].map((name) => client.execute(name));
    await until('both commands', () => qemu.calls.length === 3);
    qemu.hangUp();
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ code: 'MOBYVM_QMP' });
    await expect(client.execute('c')).rejects.toMatchObject({ code: 'MOBYVM_QMP' });
    client.close();
    expect([closes, client.isClosed]).toEqual([1, true]);
  });

  test('rejects a call with the reason of its aborted signal', async () => {
    await using qemu = await ScriptedQmp.listen();
    const client = await QmpClient.connect(qemu.path);
    const abort = new AbortController();
    const wait = client.execute('quit', {}, { signal: abort.signal });
    abort.abort();
    await expect(wait).rejects.toMatchObject({ name: 'AbortError' });
    await expect(QmpClient.connect(qemu.path, { signal: abort.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    client.close();
  });

  test.each([
    ['invalid JSON', 'hello\r\n'],
    ['a line without end', 'x'.repeat(MAX_QMP_LINE_BYTES + 1)],
  ])('closes the connection over %s', async (_what, text) => {
    await using qemu = await ScriptedQmp.listen();
    const client = await QmpClient.connect(qemu.path);
    const wait = client.execute('query-status');
    qemu.say(text);
    await expect(wait).rejects.toMatchObject({ code: 'MOBYVM_QMP' });
    expect(client.isClosed).toBe(true);
  });

  test('reports that there is no monitor', async () => {
    await expect(QmpClient.connect('/nonexistent/qmp.sock')).rejects.toMatchObject({
      code: 'MOBYVM_QMP',
      message: expect.stringContaining('ENOENT') as string,
    });
  });

  test('rejects an answer of an unexpected form', async () => {
    await using qemu = await ScriptedQmp.listen((call) => returning(call, { status: 7 }));
    const client = await QmpClient.connect(qemu.path);
    await expect(queryRunState(client)).rejects.toMatchObject({ code: 'MOBYVM_QMP' });
    await expect(queryMigration(client)).rejects.toMatchObject({ code: 'MOBYVM_QMP' });
    client.close();
  });
});
