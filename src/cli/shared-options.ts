/** Of every command that lists something. */
export const JSON_OUTPUT = { type: 'boolean', default: false, describe: 'Print JSON' } as const;
