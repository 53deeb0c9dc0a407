import { CodecError, textOf } from '../../../src/core/values/index.js';
import { encodeGuestPresence } from '../../../src/kvp/guest/guest-presence.codec.js';
import { encodeGuestResult, type GuestResult } from '../../../src/kvp/guest/guest-result.codec.js';
import { GUEST_NAME, resultName } from '../../../src/kvp/guest/names.js';
import { sha256 } from '../../../src/kvp/guest/sha256.js';
import {
  decodeTransfer,
  decodeTransferHeader,
  type TransferItem,
} from '../../../src/kvp/guest/transfer.codec.js';

/** What a guest can do with the pools: read the host's items, write its own. */
export interface GuestSide {
  hostItems(): readonly TransferItem[];
  setGuestItem(name: string, value: string): void;
  removeGuestItem(name: string): void;
  /** Called after each change of the host's items. Returns the unsubscribe function. */
  onHostItems(listener: () => void): () => void;
}

/** What a request did: `ok`, or why not. */
export type AgentAnswer =
  | { readonly ok: true; readonly text?: string }
  | { readonly ok: false; readonly code: string; readonly errno?: number; readonly text: string };

/**
 * The guest's agent, as the shell scripts in the image are one: takes requests out of pool 0 and answers in pool 1. It acts
 * once on each id and repeats its answer when it sees the id again.
 */
export class FakeAgent {
  readonly #guest: GuestSide;
  readonly #act: (name: string, body: Uint8Array) => AgentAnswer | undefined;
  readonly #answers = new Map<string, string>();
  readonly #unsubscribe: () => void;
  /** The names of the requests that were acted on, in order. */
  readonly acted: string[] = [];

  /**
   * @param requests the names of the requests that it knows
   * @param act does what is asked; undefined: it dies over it and never answers
   */
  constructor(
    guest: GuestSide,
    requests: readonly string[],
    act: (name: string, body: Uint8Array) => AgentAnswer | undefined,
    bootId = '0f8fad5b-d9cb-469f-a165-70867728950e',
  ) {
    this.#guest = guest;
    this.#act = act;
    guest.setGuestItem(GUEST_NAME, encodeGuestPresence({ bootId, agent: 'fake' }));
    const look = (): void => requests.forEach((name) => this.#look(name));
    this.#unsubscribe = guest.onHostItems(look);
    look();
  }

  stop(): void {
    this.#unsubscribe();
    this.#guest.removeGuestItem(GUEST_NAME);
  }

  #look(name: string): void {
    const answer = this.#answerTo(name);
    if (answer !== undefined) this.#guest.setGuestItem(resultName(name), answer);
  }

  #answerTo(name: string): string | undefined {
    const items = this.#guest.hostItems();
    const id = idOf(items.find((item) => item.name === name)?.value);
    if (id === undefined) return undefined;
    const known = this.#answers.get(id);
    if (known !== undefined) return known;
    const result = this.#handled(name, id, items);
    if (result === undefined) return undefined;
    const value = encodeGuestResult(result);
    this.#answers.set(id, value);
    return value;
  }

  #handled(name: string, id: string, items: readonly TransferItem[]): GuestResult | undefined {
    try {
      const transfer = decodeTransfer(name, items, sha256);
      if (transfer.state !== 'whole') return undefined;
      this.acted.push(name);
      const answer = this.#act(name, transfer.body);
      if (answer === undefined) return undefined;
      const text = answer.text ?? '';
      return answer.ok
        ? { id, ok: true, text }
        : { id, ok: false, code: answer.code, errno: answer.errno ?? 0, text };
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      return { id, ok: false, code: 'checksum', errno: 0, text: textOf(error) };
    }
  }
}

/** Undefined for a header that is overwritten at the moment, or of another version. */
function idOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  try {
    return decodeTransferHeader(header).id;
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
