import { createPrivateKey, X509Certificate } from 'node:crypto';

/**
 * A certificate and its private key as PEM text: RFC 7468 §5 and §10, https://www.rfc-editor.org/rfc/rfc7468.
 */
export interface CertifiedKey {
  readonly certificate: string;
  /** A secret: PKCS #8, not encrypted. */
  readonly key: string;
}

export interface Validity {
  /** Milliseconds since 1970. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface InspectedKey extends Validity {
  readonly x509: X509Certificate;
}

const ONE_CERTIFICATE = /^-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*$/;
const ONE_KEY = /^-----BEGIN PRIVATE KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PRIVATE KEY-----\s*$/;

/** About 700 characters are usual. */
const MAX_PEM_CHARS = 16_384;

/** Reads a pair; undefined if either part is damaged or they do not match. Never throws. */
export function inspectCertifiedKey({ certificate, key }: CertifiedKey): InspectedKey | undefined {
  if (certificate.length > MAX_PEM_CHARS || !ONE_CERTIFICATE.test(certificate)) return undefined;
  if (key.length > MAX_PEM_CHARS || !ONE_KEY.test(key)) return undefined;
  try {
    const x509 = new X509Certificate(certificate);
    if (!x509.checkPrivateKey(createPrivateKey(key))) return undefined;
    return { x509, notBeforeMs: Date.parse(x509.validFrom), notAfterMs: Date.parse(x509.validTo) };
  } catch {
    // OpenSSL's reason would not help a user, and one of the texts is a secret.
    return undefined;
  }
}
