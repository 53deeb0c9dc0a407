/** Who has started a daemon and watches over it, such as the service control manager of Windows. */
export interface Supervisor {
  /** The daemon serves its clients now. */
  ready(): void;
  /** SID of the user who has installed it and may use the engine, member of a group or not. */
  readonly installedBy?: string | undefined;
  /** Calls back when the host wakes up from sleep. @returns the unsubscribe function */
  onResume(listener: () => void): () => void;
}
