import { describe, expect, it } from 'vitest';
import { MobyvmError } from '../../../../src/core/values/index.js';
import { tlsError } from '../../../../src/proxy/engine/tls/tls-error.js';

function withCode(code: string): Error {
  return Object.assign(new RangeError('some text'), { code });
}

describe('a failure', () => {
  it.each([
    ['CERT_HAS_EXPIRED', "certificate has expired by the host's clock"],
    ['SELF_SIGNED_CERT_IN_CHAIN', "is not from this machine's authority"],
    ['INVALID_PURPOSE', 'some text (INVALID_PURPOSE)'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'is for another name'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'requires a certificate and got none'],
    ['ERR_SSL_SOMETHING_NEW', 'some text (ERR_SSL_SOMETHING_NEW)'],
    ['EPROTO', 'some text (EPROTO)'],
  ])('with %s is a TLS error', (code, text) => {
    const problem = tlsError(withCode(code), ' at 10.0.75.2:2376');
    expect(problem).toMatchObject({ code: 'MOBYVM_ENGINE_TLS', details: { reason: code } });
    expect(problem?.message).toContain(text);
    expect(problem?.message).toContain('the Docker Engine at 10.0.75.2:2376 failed: ');
    expect(problem?.remedy).not.toBe('');
  });

  it.each([
    withCode('ECONNRESET'),
    withCode('ERR_STREAM_PREMATURE_CLOSE'),
    withCode('ABORT_ERR'),
    new RangeError('no code'),
    new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', 'gone', ''),
    Object.assign(new RangeError('odd'), { code: 7 }),
    'text',
    undefined,
  ])('is not a TLS error: %s', (error) => {
    expect(tlsError(error, '')).toBeUndefined();
  });
});
