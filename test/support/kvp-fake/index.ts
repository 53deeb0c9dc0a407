export * from './fake-agent.js';
export * from './fake-kvp.js';
