import { MobyvmError, textOf } from '../../../core/values/index.js';

/**
 * SerialQueue a failure of TLS itself into an error that says so: a certificate that one side does not accept, or a peer
 * that speaks something else. Undefined for all other failures, such as a connection that was reset.
 * @param peer continues "The Docker Engine …", for example ` at 10.0.75.2:2376`; may be empty
 */
export function tlsProblem(error: unknown, peer: string): MobyvmError | undefined {
  const code = tlsCodeOf(error);
  if (code === undefined) return undefined;
  return new MobyvmError(
    'MOBYVM_ENGINE_TLS',
    `The Docker Engine${peer} and mobyvm cannot agree on TLS: ${reasonOf(code) ?? textOf(error)} (${code}).`,
    "Run `mobyvm restart`: it gives the engine its certificate anew. If that does not help, check the host's clock.",
    { cause: error, details: { reason: code } },
  );
}

/** `X509_V_ERR_…` of OpenSSL without that prefix, which is what Node makes of them (tls.md, "X509 certificate error codes"). */
const CERTIFICATE_CODE =
  /^(CERT|CRL|UNABLE_TO|ERROR_IN_C[A-Z]+|DEPTH_ZERO|SELF_SIGNED|PATH_LENGTH)_[A-Z_]+$|^(INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)$/;

/** `ERR_SSL_…` and `ERR_OSSL_…` are what OpenSSL found or the peer complained of, `ERR_TLS_…` what Node found. */
function tlsCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (typeof code !== 'string') return undefined;
  return code === 'EPROTO' || /^ERR_(SSL|OSSL|TLS)_/.test(code) || CERTIFICATE_CODE.test(code)
    ? code
    : undefined;
}

/** The frequent ones in words; OpenSSL's own text is for people who know its source. */
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
      return "the engine does not accept mobyvm's certificate";
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED':
      return "mobyvm's certificate is not valid by the engine's clock";
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
      return 'the engine wants a certificate and got none';
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'what answers there does not speak TLS';
    default:
      return undefined;
  }
}
