import type { WmiItems, WmiKvp, WmiResult } from '../../src/kvp/index.js';
import type { GuestSide } from './kvp-fake/index.js';
import { decodeCimItem, encodeCimItem } from '../../src/kvp/wire/cim-xml.codec.js';

export interface WmiCall {
  readonly method: 'add' | 'modify' | 'remove' | 'read';
  readonly names: readonly string[];
}

/** Hyper-V's side of KVP for one machine, with its codes: what the documentation and other programs say about them. */
export class ScriptedWmi implements WmiKvp, GuestSide {
  readonly calls: WmiCall[] = [];
  readonly host = new Map<string, string>();
  readonly guest = new Map<string, string>();
  readonly intrinsic: Map<string, string>;
  /** Texts that stand among the guest's items as they are. */
  readonly oddTexts: string[] = [];
  /** The component's association exists only while the machine runs. */
  isRunning = true;
  /** False until a KVP service answers in the guest. */
  isReady = true;
  /** The code of a missing key: 32773, or 32779 on newer systems. */
  missingCode = 32_773;
  /** Calls that came while it was not ready. */
  callsUnready = 0;
  /** Answers that come instead of the real ones, first to last. */
  readonly scripted: (WmiResult | (() => WmiResult))[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(intrinsic: readonly (readonly [string, string])[] = []) {
    this.intrinsic = new Map(intrinsic);
  }

  async add(items: readonly string[]): Promise<WmiResult> {
    return Promise.resolve(this.changeNow('add', items));
  }

  async modify(items: readonly string[]): Promise<WmiResult> {
    return Promise.resolve(this.changeNow('modify', items));
  }

  async remove(items: readonly string[]): Promise<WmiResult> {
    return Promise.resolve(this.changeNow('remove', items));
  }

  async read(signal: AbortSignal): Promise<WmiItems | undefined> {
    signal.throwIfAborted();
    return Promise.resolve(this.readNow());
  }

  readNow(): WmiItems | undefined {
    this.calls.push({ method: 'read', names: [] });
    if (!this.isRunning) {
      this.callsUnready += 1;
      return undefined;
    }
    const texts = (items: ReadonlyMap<string, string>, source: number): string[] =>
      [...items].map(([name, data]) => encodeCimItem({ name, data, source }));
    return {
      host: texts(this.host, 0),
      guest: [...texts(this.guest, 1), ...this.oddTexts],
      intrinsic: texts(this.intrinsic, 2),
    };
  }

  hostItems() {
    return [...this.host].map(([name, value]) => ({ name, value }));
  }

  setGuestItem(name: string, value: string): void {
    this.guest.set(name, value);
  }

  removeGuestItem(name: string): void {
    this.guest.delete(name);
  }

  onHostItems(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  changeNow(method: 'add' | 'modify' | 'remove', texts: readonly string[]): WmiResult {
    const items = texts.map((text) => decodeCimItem(text));
    const names = items.map(({ name }) => name);
    this.calls.push({ method, names });
    const scripted = this.scripted.shift();
    if (scripted !== undefined) return typeof scripted === 'function' ? scripted() : scripted;
    if (!this.isReady) {
      this.callsUnready += 1;
      return { returnValue: 4_096, jobState: 10, jobError: 32_768, jobHResult: -2_147_020_577 };
    }
    const code = names.length > 128 ? 32_773 : this.#refusal(method, names);
    if (code !== undefined) return { returnValue: 4_096, jobState: 10, jobError: code };
    for (const { name, data } of items) {
      if (method === 'remove') this.host.delete(name);
      else this.host.set(name, data);
    }
    for (const listener of [...this.#listeners]) listener();
    return { returnValue: 4_096, jobState: 7, jobError: 0 };
  }

  #refusal(method: 'add' | 'modify' | 'remove', names: readonly string[]): number | undefined {
    if (method === 'add') return names.some((name) => this.host.has(name)) ? 32_773 : undefined;
    return names.some((name) => !this.host.has(name)) ? this.missingCode : undefined;
  }
}
