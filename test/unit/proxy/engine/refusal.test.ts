import { describe, expect, it } from 'vitest';
import {
  badHeadRefusal,
  startFailedRefusal,
  startingRefusal,
  STOPPED,
  tooManyWaitingRefusal,
  unreachableRefusal,
} from '../../../../src/proxy/engine/refusal.plan.js';
import { refusalResponse } from '../../../../src/proxy/engine/refusal-response.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('a refusal', () => {
  it('is a complete response in the form of Docker errors', () => {
    expect(text(refusalResponse(startingRefusal('booting — Zürich'), false))).toBe(
      'HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 54\r\n' +
        'Server: mobyvm\r\nConnection: close\r\n\r\n{"message":"mobyvm is starting: booting — Zürich"}\n',
    );
  });

  it('has the same head and no body in response to HEAD', () => {
    const whole = text(refusalResponse(STOPPED, false));
    expect(text(refusalResponse(STOPPED, true))).toBe(whole.slice(0, whole.indexOf('{')));
  });

  it('states failure, remedy and code, and omits an empty remedy', () => {
    const error = { code: 'MOBYVM_BUG', message: 'It broke.', remedy: '', details: {} } as const;
    expect(startFailedRefusal(error).message).toBe('mobyvm is not running: It broke. [MOBYVM_BUG]');
    expect(startFailedRefusal({ ...error, remedy: 'Try again.' }).message).toBe(
      'mobyvm is not running: It broke. Try again. [MOBYVM_BUG]',
    );
    expect(unreachableRefusal('It is deaf.', 'Shout.')).toEqual({
      status: 502,
      message: 'mobyvm cannot reach the Docker Engine in the VM: It is deaf. Shout.',
    });
  });

  it('reports how many are waiting when the limit is reached', () => {
    expect(tooManyWaitingRefusal('booting', 256).message).toBe(
      'mobyvm is starting: booting (256 requests are already waiting, try again later)',
    );
  });

  it('contains no control sequences', () => {
    const { message } = startingRefusal('login:\x1b[2J\x07\r\u009b31m\x00 ok\nnext');
    expect(message).toBe('mobyvm is starting: login: [2J   31m  ok\nnext');
  });

  it('is at most slightly longer than 2,000 characters, whatever the guest reports', () => {
    expect(startingRefusal('x'.repeat(1_000_000)).message).toHaveLength(2_001);
  });
});

describe('the response to an incomplete head', () => {
  it.each([
    [{ kind: 'malformed', problem: 'method at byte 0: is not an HTTP method' }, 400],
    [{ kind: 'too slow' }, 408],
    [{ kind: 'too large' }, 431],
    [{ kind: 'ended', isPartial: true }, 400],
    [{ kind: 'ended', isPartial: false }, undefined],
  ] as const)('%j is %s', (fate, status) => {
    expect(badHeadRefusal(fate)?.status).toBe(status);
  });
});
