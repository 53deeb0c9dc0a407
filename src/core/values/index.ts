export * from './byte-reader.js';
export * from './byte-writer.js';
export * from './change.js';
export * from './error-codes.js';
export * from './errors.js';
export * from './ipv4.js';
export * from './mac.js';
export * from './subnet.js';
