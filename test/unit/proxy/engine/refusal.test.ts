import { describe, expect, it } from 'vitest';
import {
  badHead,
  startFailed,
  starting,
  STOPPED,
  tooManyWaiting,
  unreachable,
} from '../../../../src/proxy/engine/refusal.plan.js';
import { refusalResponse } from '../../../../src/proxy/engine/refusal-response.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('a refusal', () => {
  it('is a whole response in the shape of Docker errors', () => {
    expect(text(refusalResponse(starting('booting — Zürich'), false))).toBe(
      'HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 54\r\n' +
        'Server: mobyvm\r\nConnection: close\r\n\r\n{"message":"mobyvm is starting: booting — Zürich"}\n',
    );
  });

  it('has the same head and no body as the answer to HEAD', () => {
    const whole = text(refusalResponse(STOPPED, false));
    expect(text(refusalResponse(STOPPED, true))).toBe(whole.slice(0, whole.indexOf('{')));
  });

  it('tells failure, remedy and code, and leaves an empty remedy out', () => {
    const error = { code: 'MOBYVM_BUG', message: 'It broke.', remedy: '', details: {} } as const;
    expect(startFailed(error).message).toBe('mobyvm does not run: It broke. [MOBYVM_BUG]');
    expect(startFailed({ ...error, remedy: 'Try again.' }).message).toBe(
      'mobyvm does not run: It broke. Try again. [MOBYVM_BUG]',
    );
    expect(unreachable('It is deaf.', 'Shout.')).toEqual({
      status: 502,
      message: 'mobyvm cannot reach the Docker Engine in the VM: It is deaf. Shout.',
    });
  });

  it('says how many wait when there is no place to wait', () => {
    expect(tooManyWaiting('booting', 256).message).toBe(
      'mobyvm is starting: booting (256 requests wait already, try again later)',
    );
  });

  it('holds nothing that a terminal would obey', () => {
    const { message } = starting('login:\x1b[2J\x07\r\u009b31m\x00 ok\nnext');
    expect(message).toBe('mobyvm is starting: login: [2J   31m  ok\nnext');
  });

  it('is no longer than 2,000 characters and a bit, whatever the guest says', () => {
    expect(starting('x'.repeat(1_000_000)).message).toHaveLength(2_001);
  });
});

describe('the answer to a head that did not come whole', () => {
  it.each([
    [{ kind: 'malformed', problem: 'method at byte 0: is not an HTTP method' }, 400],
    [{ kind: 'too slow' }, 408],
    [{ kind: 'too large' }, 431],
    [{ kind: 'ended', isPartial: true }, 400],
    [{ kind: 'ended', isPartial: false }, undefined],
  ] as const)('%j is %s', (fate, status) => {
    expect(badHead(fate)?.status).toBe(status);
  });
});
