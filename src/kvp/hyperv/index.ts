export { HypervKvpExchange, type HypervKvpOptions } from './hyperv-kvp-exchange.js';
export type { WmiItems, WmiKvp, WmiResult } from './wmi-kvp.js';
export { PowerShellWmi, type PowerShellWmiOptions } from './power-shell-wmi.js';
