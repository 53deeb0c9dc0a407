import { z } from 'zod';
import { CMDLETS, cmdletEntry, type ParameterKind } from '../../../src/powershell/index.js';

/** A cmdlet for PowerShell's binder: what an advanced function needs to bind as the cmdlet of Windows does. */
export interface StubDefinition {
  readonly name: string;
  readonly module: string;
  readonly confirms: boolean;
  readonly defaultSet?: string;
  readonly parameters: readonly StubParameter[];
  /** The class of what it gives, without its namespace. */
  readonly output?: string;
}

export interface StubParameter {
  readonly name: string;
  /** As .NET names it, without a namespace; `[]` for several. */
  readonly type: string;
  readonly values: readonly string[];
  /** Those that it is in; none means all. */
  readonly sets: readonly StubSet[];
}

export interface StubSet {
  readonly name: string;
  readonly isMandatory: boolean;
  readonly fromPipeline: boolean;
}

/** What every cmdlet has by itself. */
const COMMON = new Set(['WhatIf', 'Confirm']);

const reference = z.object({
  module: z.string(),
  supportsShouldProcess: z.boolean().optional(),
  outputs: z.array(z.string()).optional(),
  parameters: z.record(
    z.string(),
    z.object({
      type: z.string(),
      values: z.array(z.string()).optional(),
      pipeline: z.string().default('none'),
    }),
  ),
  parameterSets: z.array(
    z.object({
      name: z.string(),
      default: z.boolean().optional(),
      parameters: z.array(z.string()),
      mandatory: z.array(z.string()),
    }),
  ),
});
const referenceFile = z.object({ cmdlets: z.record(z.string(), reference) });

/** Of the cmdlets that mobyvm may call, from the published reference: all their parameters, with .NET's types. */
export function definitionsFromReference(json: string): readonly StubDefinition[] {
  const { cmdlets } = referenceFile.parse(JSON.parse(json));
  return Object.keys(CMDLETS).map((name) => {
    const entry = cmdlets[name];
    if (entry === undefined) throw new Error(`the reference has no ${name}`);
    const isAlone = entry.parameterSets.length === 1;
    const parameters = Object.entries(entry.parameters)
      .filter(([parameter]) => !COMMON.has(parameter))
      .map(([parameter, { type, values = [], pipeline }]) => ({
        ...{ name: parameter, type: associatedClass(parameter, type) ?? type, values },
        sets: entry.parameterSets
          .filter((set) => set.parameters.includes(parameter))
          .map((set) => ({
            name: isAlone ? '' : set.name,
            isMandatory: set.mandatory.includes(parameter),
            fromPipeline: pipeline.includes('ByValue'),
          })),
      }))
      .filter(({ sets }) => sets.length > 0);
    const defaultSet = isAlone ? undefined : entry.parameterSets.find((set) => set.default)?.name;
    return {
      ...{ name, module: entry.module, confirms: entry.supportsShouldProcess ?? false, parameters },
      ...(defaultSet === undefined ? {} : { defaultSet }),
      ...(name.startsWith('Get-NetFirewall')
        ? { output: name.slice('Get-'.length) }
        : outputOf(entry.outputs ?? [])),
    };
  });
}

/**
 * Get-NetFirewallRule takes eight kinds of filters by the pipeline, and tells them apart by their classes, which its definition
 * has (ETSType in CDXML) and the published reference has not. Here the class of a firewall object is its noun.
 */
function associatedClass(parameter: string, type: string): string | undefined {
  return type === 'CimInstance' ? /^Associated(NetFirewall\w+)$/.exec(parameter)?.[1] : undefined;
}

/** The same from the project's own table, which a test compares with that reference: no types but those of the kinds. */
export function definitionsFromTable(): readonly StubDefinition[] {
  return Object.keys(CMDLETS).map((name) => {
    const { module, confirms, defaultSet, sets, parameters, input = [] } = cmdletEntry(name)!;
    const setNames = Object.entries(sets).map(([set, text]) => ({ set, names: text.split(' ') }));
    return {
      ...{ name, module, confirms, ...(defaultSet === undefined ? {} : { defaultSet }) },
      parameters: Object.entries(parameters).map(([parameter, kind]) => ({
        ...{ name: parameter, ...typeOf(kind, CLASSES[parameter]) },
        sets: setNames
          .filter(({ names }) => names.includes(parameter) || names.includes(`${parameter}!`))
          .map(({ set, names }) => ({
            name: set === 'all' ? '' : set,
            isMandatory: names.includes(`${parameter}!`),
            fromPipeline: input.includes(parameter),
          })),
      })),
      ...(/^(Get|New|Add)-/.test(name) ? outputOf([CLASSES[name.split('-')[1]!] ?? '']) : {}),
    };
  });
}

/** What Hyper-V's cmdlets hand to one another, by the noun that is their parameter as well. */
const CLASSES: Readonly<Record<string, string>> = {
  VM: 'VirtualMachine',
  VMSwitch: 'VMSwitch',
  VMNetworkAdapter: 'VMNetworkAdapter',
  VMHardDiskDrive: 'HardDiskDrive',
  VMDvdDrive: 'DvdDrive',
  VMProcessor: 'VMProcessor',
  VMMemory: 'VMMemory',
  VMFirmware: 'VMFirmware',
  VMComPort: 'VMComPort',
  VMIntegrationService: 'VMIntegrationComponent',
  VMDriveController: 'VMDriveController',
  VMSnapshot: 'VMSnapshot',
};

const TYPES = {
  text: 'String',
  texts: 'String[]',
  number: 'Int64',
  numbers: 'Int64[]',
  boolean: 'Boolean',
  switch: 'SwitchParameter',
  guid: 'Guid',
  date: 'DateTime',
  secret: 'SecureString',
  table: 'IDictionary',
  object: 'Object',
  objects: 'Object[]',
} satisfies Record<Extract<ParameterKind, string>, string>;

function typeOf(kind: ParameterKind, className?: string): { type: string; values: readonly string[] } {
  // Most are enums of .NET, which take no boolean and no other name.
  if (typeof kind !== 'string') return { type: 'Enum', values: kind };
  const type = TYPES[kind];
  return { type: className === undefined ? type : type.replace('Object', className), values: [] };
}

function outputOf(outputs: readonly string[]): { readonly output?: string } {
  const [found] = outputs
    .map((each) => each.replace(/#.*/, ''))
    .filter((each) => /^[A-Za-z.]+$/.test(each) && each !== 'None');
  return found === undefined ? {} : { output: found.slice(found.lastIndexOf('.') + 1) };
}
