import { MobyvmError, textOf } from '../../../core/values/index.js';

/**
 * Explains a failure of TLS itself: a certificate that one side rejects, or a peer that does not speak TLS.
 * Undefined for all other failures, such as a connection reset.
 * @param peer continues "the Docker Engine", such as ` at 10.0.75.2:2376`; may be empty
 */
export function tlsError(error: unknown, peer: string): MobyvmError | undefined {
  const code = tlsCodeOf(error);
  if (code === undefined) return undefined;
  return new MobyvmError(
    'MOBYVM_ENGINE_TLS',
    `The TLS connection to the Docker Engine${peer} failed: ${reasonOf(code) ?? textOf(error)} (${code}).`,
    "Run `mobyvm restart` to give the engine its certificate again. If that does not help, check the host's clock.",
    { cause: error, details: { reason: code } },
  );
}

/**
 * OpenSSL's `X509_V_ERR_…` without the prefix, as Node reports them:
 * https://nodejs.org/api/tls.html#x509-certificate-error-codes.
 */
const CERTIFICATE_CODE =
  /^(CERT|CRL|UNABLE_TO|ERROR_IN_C[A-Z]+|DEPTH_ZERO|SELF_SIGNED|PATH_LENGTH)_[A-Z_]+$|^(INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)$/;

/** `ERR_SSL_…` and `ERR_OSSL_…` come from OpenSSL or from an alert of the peer, `ERR_TLS_…` from Node. */
function tlsCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (typeof code !== 'string') return undefined;
  return code === 'EPROTO' || /^ERR_(SSL|OSSL|TLS)_/.test(code) || CERTIFICATE_CODE.test(code)
    ? code
    : undefined;
}

/** Explains the frequent ones; OpenSSL's own texts are hard to understand. */
function reasonOf(code: string): string | undefined {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return "the engine's certificate has expired by the host's clock";
    case 'CERT_NOT_YET_VALID':
      return "the engine's certificate is not valid yet by the host's clock";
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return "the engine's certificate is for another name";
    case 'CERT_SIGNATURE_FAILURE':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return "the engine's certificate is not from this machine's authority";
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
    case 'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR':
      return "the engine rejects mobyvm's certificate";
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED':
      return "mobyvm's certificate is not valid by the engine's clock";
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
      return 'the engine requires a certificate and got none';
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'the peer does not speak TLS';
    default:
      return undefined;
  }
}
