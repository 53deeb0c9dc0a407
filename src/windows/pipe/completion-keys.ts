/** Tells the worker to end. Files have keys of their own. */
export const STOP_KEY = 0;

/** What the worker sends: three numbers for each completion, its key, the address of its OVERLAPPED, its bytes. */
export type CompletionBatch = readonly number[];
export const BATCH_FIELDS = 3;
