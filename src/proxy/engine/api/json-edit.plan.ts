import { encodeJsonString, type JsonNode, type JsonString } from './json-text.codec.js';

/** A string that is to be another one. */
export interface StringEdit {
  readonly node: JsonString;
  readonly value: string;
}

/** The text with other strings in it; not one byte of the rest is touched. */
export function editJsonText(text: string, edits: readonly StringEdit[]): string {
  let edited = '';
  let at = 0;
  for (const { node, value } of [...edits].sort((a, b) => a.node.start - b.node.start)) {
    edited += text.slice(at, node.start) + encodeJsonString(value);
    at = node.end;
  }
  return edited + text.slice(at);
}

/**
 * All nodes at a path; `*` is every item of an array. Names count whatever their case, and repeated ones all: the engine
 * reads them like that (Go's encoding/json).
 */
export function select(node: JsonNode | undefined, path: readonly string[]): readonly JsonNode[] {
  if (node === undefined) return [];
  const [step, ...rest] = path;
  if (step === undefined) return [node];
  if (step === '*') return node.kind === 'array' ? node.items.flatMap((item) => select(item, rest)) : [];
  if (node.kind !== 'object') return [];
  const wanted = step.toLowerCase();
  return node.members
    .filter(({ name }) => name.toLowerCase() === wanted)
    .flatMap(({ value }) => select(value, rest));
}

/** The strings among them. */
export function selectStrings(node: JsonNode | undefined, path: readonly string[]): readonly JsonString[] {
  return select(node, path).filter((found) => found.kind === 'string');
}

/** The string that counts where a member is repeated: the last. */
export function textAt(node: JsonNode | undefined, path: readonly string[]): string | undefined {
  return selectStrings(node, path).at(-1)?.value;
}
