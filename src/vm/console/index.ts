export * from './boot-stage.plan.js';
export * from './console-log.js';
export * from './console-text.plan.js';
