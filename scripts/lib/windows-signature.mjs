// Signs an installer for Windows (Authenticode) with osslsigncode.
import { execFileSync } from 'node:child_process';
import { rename } from 'node:fs/promises';

/**
 * Replaces the file by a signed one. The key is read from its file by osslsigncode alone.
 * @param certificate PEM file with the certificate and those between it and the root
 * @param key PEM file
 * @param timestampUrl of an RFC 3161 server: without a time stamp, the signature ends with the certificate
 */
export async function signForWindows({ file, certificate, key, timestampUrl }) {
  const signed = `${file}.signed`;
  execFileSync('osslsigncode', [
    'sign',
    ...['-certs', certificate, '-key', key, '-h', 'sha256', '-n', 'mobyvm'],
    ...(timestampUrl === undefined ? [] : ['-ts', timestampUrl]),
    ...['-in', file, '-out', signed],
  ]);
  await rename(signed, file);
}
