import { createPrivateKey, X509Certificate } from 'node:crypto';

/** A certificate and the private key that belongs to it, both as PEM text (RFC 7468 §5, §10). */
export interface CertifiedKey {
  readonly certificate: string;
  /** PKCS #8, not encrypted: a secret. */
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

/** Some 700 characters are usual. */
const MAX_PEM_CHARS = 16_384;

/** What the pair says of itself; undefined if either is damaged, or they do not belong together. Never throws. */
export function inspectCertifiedKey({ certificate, key }: CertifiedKey): InspectedKey | undefined {
  if (certificate.length > MAX_PEM_CHARS || !ONE_CERTIFICATE.test(certificate)) return undefined;
  if (key.length > MAX_PEM_CHARS || !ONE_KEY.test(key)) return undefined;
  try {
    const x509 = new X509Certificate(certificate);
    if (!x509.checkPrivateKey(createPrivateKey(key))) return undefined;
    return { x509, notBeforeMs: Date.parse(x509.validFrom), notAfterMs: Date.parse(x509.validTo) };
  } catch {
    // OpenSSL's reason could only say where the bytes are wrong, and one of the texts is a secret.
    return undefined;
  }
}
