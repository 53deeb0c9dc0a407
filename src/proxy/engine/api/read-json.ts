import { JsonScanner, type JsonDocument } from './json-text.codec.js';

/** In characters: about a millisecond of work, after which other clients are served. */
const SLICE = 64 * 1024;

/**
 * Decodes the value at the start of a text, in slices. @param keeps see JsonScanner
 * @throws CodecError
 */
export async function readJson(text: string, keeps: ReadonlySet<string>): Promise<JsonDocument> {
  const scanner = new JsonScanner(text, keeps);
  while (!scanner.advance(SLICE)) await new Promise((resolve) => setImmediate(resolve));
  return scanner.document;
}
