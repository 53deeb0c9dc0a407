import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex } from './wire-fixture.js';

/** The messages of test/fixtures/wire/kvp-messages.txt, which a C program printed from the kernel's header. */
export function kvpMessages(): ReadonlyMap<string, Uint8Array> {
  const text = readFileSync(join(import.meta.dirname, '../fixtures/wire/kvp-messages.txt'), 'utf8');
  const messages = new Map<string, Uint8Array>();
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [name = '', offset = '', hex = ''] = line.split(' ');
    const message = messages.get(name) ?? new Uint8Array(7_432);
    message.set(fromHex(hex), Number(offset));
    messages.set(name, message);
  }
  return messages;
}
