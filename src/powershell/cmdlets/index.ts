import { FILE_SHARING } from './file-sharing.js';
import { FIREWALL } from './firewall.js';
import { HOST_NETWORK } from './host-network.js';
import { HYPER_V_DISKS } from './hyper-v-disks.js';
import { HYPER_V_MACHINES } from './hyper-v-machines.js';
import { HYPER_V_NETWORK } from './hyper-v-network.js';
import { SYSTEM } from './system.js';
import type { CmdletEntry, ValueOf } from './kinds.js';

export type { CmdletEntry, CmdletTable, ParameterKind } from './kinds.js';

/** Every cmdlet that mobyvm may call. */
export const CMDLETS = {
  ...HYPER_V_MACHINES,
  ...HYPER_V_DISKS,
  ...HYPER_V_NETWORK,
  ...HOST_NETWORK,
  ...FIREWALL,
  ...FILE_SHARING,
  ...SYSTEM,
};

export type CmdletName = keyof typeof CMDLETS;

type ParameterTable<Name extends CmdletName> = (typeof CMDLETS)[Name]['parameters'];

/** What the cmdlet takes, each by its name. That a set's mandatory ones are there is for PowerShell's binder to say. */
export type ParametersOf<Name extends CmdletName> = {
  readonly [Parameter in keyof ParameterTable<Name>]?: ParameterTable<Name>[Parameter] extends infer Kind
    ? Kind extends CmdletEntry['parameters'][string]
      ? ValueOf<Kind>
      : never
    : never;
};

/** Of a cmdlet by its name; undefined when mobyvm never calls it. */
export function cmdletEntry(name: string): CmdletEntry | undefined {
  return Object.hasOwn(CMDLETS, name) ? (CMDLETS as Readonly<Record<string, CmdletEntry>>)[name] : undefined;
}
