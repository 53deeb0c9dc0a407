/** Names that one process of this host has at a time. The system releases them when the process ends, however it ends. */
export interface GlobalMutexes {
  /**
   * @param name without backslashes
   * @returns `held` if a process has it, this one too; `foreign` if another user has created an object of that name
   * @throws WindowsCallError
   */
  take(name: string): HeldMutex | 'held' | 'foreign';
  /** Whether a process has it, as far as everybody may know. Does not take it. @throws WindowsCallError */
  exists(name: string): boolean;
}

export interface HeldMutex {
  /** Repeatable. Only on the thread that has taken it. */
  release(): void;
}
