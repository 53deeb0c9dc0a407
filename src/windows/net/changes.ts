/** Whether addresses of the host have changed. */
export interface AddressChanges {
  /** True once after a change, and each time if the system does not tell. */
  take(): boolean;
  /** Repeatable. */
  close(): void;
}
