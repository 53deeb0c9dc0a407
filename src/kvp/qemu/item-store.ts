import type { KvpSetting } from '../exchange.js';
import type { KvpRemoval } from './own-items.js';

export interface StoredItems {
  readonly items: readonly KvpSetting[];
  /** What a guest that was away, or too slow, may still have. */
  readonly removals: readonly KvpRemoval[];
}

export interface KvpItemStore {
  load(): Promise<StoredItems>;
  save(stored: StoredItems): Promise<void>;
}
