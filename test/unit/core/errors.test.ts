import { createServer } from 'node:net';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  CodecError,
  errnoOf,
  ERROR_CODES,
  isAbort,
  MobyvmError,
  reportOf,
  textOf,
} from '../../../src/core/values/index.js';

const busy = new MobyvmError('MOBYVM_BUSY', 'It is busy.', 'Wait.', { details: { port: 80 } });

describe('reportOf', () => {
  test('keeps the contents of a MobyvmError', () => {
    expect(reportOf(busy)).toEqual({
      code: 'MOBYVM_BUSY',
      message: 'It is busy.',
      remedy: 'Wait.',
      details: { port: 80 },
    });
  });

  test('reports the first of several errors and appends the others', () => {
    const report = reportOf(new AggregateError([busy, new TypeError('no undo')], 'both'));
    expect(report.code).toBe('MOBYVM_BUSY');
    expect(report.message).toBe('It is busy. (and undoing it failed: no undo)');
  });

  test('mentions a cause shared by several undos once', () => {
    const full = () => new MobyvmError('MOBYVM_DISK_FULL', 'It is full.', 'Free some space.');
    const undone = new AggregateError([busy, full(), full()], 'both');
    expect(reportOf(undone).message).toBe('It is busy. (and undoing it failed: It is full.)');
    expect(reportOf(new AggregateError([full(), full()], 'both')).message).toBe('It is full.');
  });

  test('calls anything else a bug', () => {
    for (const thrown of [
      new TypeError('x is not a function'),
      'text',
      undefined,
      new AggregateError([], 'none'),
    ]) {
      expect(reportOf(thrown).code).toBe('MOBYVM_BUG');
    }
  });

  test('distinguishes an interruption from a failure', () => {
    const controller = new AbortController();
    controller.abort();
    expect(reportOf(controller.signal.reason).code).toBe('MOBYVM_ABORTED');
  });
});

describe('isAbort', () => {
  test('recognises abort errors of the platform and of mobyvm', async () => {
    const signal = AbortSignal.abort();
    const error: unknown = await readFile('/dev/null', { signal }).catch((thrown: unknown) => thrown);
    expect(isAbort(error)).toBe(true);
    expect(isAbort(signal.reason)).toBe(true);
    expect(isAbort(new MobyvmError('MOBYVM_ABORTED', '', ''))).toBe(true);
    expect(isAbort(busy)).toBe(false);
    expect(isAbort('AbortError')).toBe(false);
    expect(isAbort(undefined)).toBe(false);
  });
});

describe('errnoOf', () => {
  test('is the name of a system error and undefined for others', async () => {
    const missing: unknown = await readFile('/nonexistent/file').catch((thrown: unknown) => thrown);
    expect(errnoOf(missing)).toBe('ENOENT');
    expect(errnoOf(new TypeError('x'))).toBeUndefined();
    expect(errnoOf(Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBeUndefined();
    expect(errnoOf('ENOENT')).toBeUndefined();
  });

  test('is EADDRINUSE for a busy port', async () => {
    const first = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => first.once('listening', resolve));
    const address = first.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const second = createServer();
    const error = await new Promise((resolve) => second.once('error', resolve).listen(port, '127.0.0.1'));
    await new Promise((resolve) => first.close(resolve));
    expect(errnoOf(error)).toBe('EADDRINUSE');
  });
});

describe('MobyvmError', () => {
  test('has a cause only when there is one', () => {
    expect('cause' in busy).toBe(false);
    expect(new MobyvmError('MOBYVM_BUG', '', '', { cause: busy }).cause).toBe(busy);
  });

  test('has unique codes in one format', () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
    for (const code of ERROR_CODES) expect(code).toMatch(/^MOBYVM_[A-Z]+(_[A-Z]+)*$/);
  });

  test('from a codec names the field and the offset', () => {
    const error = new CodecError('options', 240, 'is missing');
    expect(error).toBeInstanceOf(MobyvmError);
    expect(error.message).toBe('options at byte 240: is missing');
    expect(error.details).toEqual({ field: 'options', offset: 240 });
  });
});

describe('textOf', () => {
  test('is one line for any value', () => {
    expect([busy, 'text', 7, undefined].map(textOf)).toEqual(['It is busy.', 'text', '7', 'undefined']);
  });
});
