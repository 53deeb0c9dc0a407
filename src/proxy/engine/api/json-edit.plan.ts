import { encodeJsonString, foldedName, type JsonNode, type JsonString } from './json-text.codec.js';

/** A string and its new value. */
export interface StringEdit {
  readonly node: JsonString;
  readonly value: string;
}

/** Replaces strings in the text; every other byte stays as it is. */
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
 * Returns all nodes at a path; `*` means every item of an array. Names match regardless of case, and repeated
 * ones all match, because the engine reads them that way (https://pkg.go.dev/encoding/json#Unmarshal). The
 * keys of a map, such as the options of a driver, are exact: `=o`.
 */
export function select(node: JsonNode | undefined, path: readonly string[]): readonly JsonNode[] {
  if (node === undefined) return [];
  const [step, ...rest] = path;
  if (step === undefined) return [node];
  if (step === '*') return node.kind === 'array' ? node.items.flatMap((item) => select(item, rest)) : [];
  if (node.kind !== 'object') return [];
  const isExact = step.startsWith('=');
  const wanted = isExact ? step.slice(1) : foldedName(step);
  return node.members
    .filter(({ name }) => (isExact ? name : foldedName(name)) === wanted)
    .flatMap(({ value }) => select(value, rest));
}

/** Returns the strings among the nodes at a path. */
export function selectStrings(node: JsonNode | undefined, path: readonly string[]): readonly JsonString[] {
  return select(node, path).filter((found) => found.kind === 'string');
}

/** Returns the string at a path. If a member is repeated, the last one counts. */
export function textAt(node: JsonNode | undefined, path: readonly string[]): string | undefined {
  return selectStrings(node, path).at(-1)?.value;
}
