import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StubDefinition, StubParameter, StubSet } from './stub-definitions.js';

/** Types that PowerShell has without Windows. Others are known by the name that a stub gives to its objects. */
const KNOWN: Readonly<Record<string, string>> = {
  ...{ SwitchParameter: 'switch', Boolean: 'bool', String: 'string', Byte: 'byte', Int16: 'int16' },
  ...{ Int32: 'int', Int64: 'long', UInt16: 'uint16', UInt32: 'uint32', UInt64: 'uint64', Guid: 'guid' },
  ...{ DateTime: 'datetime', TimeSpan: 'timespan', SecureString: 'securestring', Version: 'version' },
  ...{ IDictionary: 'System.Collections.IDictionary', Hashtable: 'hashtable', Object: 'object' },
};

/** Classes of Hyper-V and of CIM: cmdlets tell by them what came by the pipeline. */
const isObjectClass = (type: string): boolean =>
  /^(VM|Virtual|Hard|Dvd|NetFirewall)[A-Za-z]*$|^Cim(Class|Instance)$/.test(type);

/** What an object of a class is as well. */
const BASES: Readonly<Record<string, readonly string[]>> = {
  VirtualMachine: ['VirtualMachineBase'],
  VMSnapshot: ['VirtualMachineBase'],
  VMNetworkAdapter: ['VMNetworkAdapterBase', 'VMComponentObject'],
  HardDiskDrive: ['VMComponentObject'],
  DvdDrive: ['VMComponentObject'],
  NetFirewallRule: ['CimInstance'],
  NetFirewallApplicationFilter: ['CimInstance'],
  NetFirewallInterfaceFilter: ['CimInstance'],
};

/**
 * Writes a module for each module of the definitions, with a function for each cmdlet. Names in it come from the reference or
 * our table, values are quoted.
 * @param runtime absolute path of the module whose `Invoke-MobyvmStub` the functions call
 * @returns the absolute paths of the modules
 */
export async function writeStubModules(
  folder: string,
  runtime: string,
  definitions: readonly StubDefinition[],
): Promise<readonly string[]> {
  const modules = [...new Set(definitions.map(({ module }) => module))];
  return Promise.all(
    modules.map(async (module) => {
      const path = join(folder, module, `${module}.psm1`);
      await mkdir(join(folder, module), { recursive: true });
      await writeFile(
        path,
        moduleText(
          runtime,
          definitions.filter((each) => each.module === module),
        ),
      );
      return path;
    }),
  );
}

function moduleText(runtime: string, definitions: readonly StubDefinition[]): string {
  const enums = new Map<string, string>();
  const functions = definitions.map((each) => functionText(each, enums));
  const exported = definitions.map(({ name }) => quoted(name)).join(',');
  return [
    ...[...enums].map(([values, name]) => `enum ${name} { ${values} }`),
    `Import-Module -Name ${quoted(runtime)}`,
    ...functions,
    `Export-ModuleMember -Function ${exported}\n`,
  ].join('\n');
}

function functionText(definition: StubDefinition, enums: Map<string, string>): string {
  const binding = [
    'PositionalBinding=$false',
    ...(definition.confirms ? ['SupportsShouldProcess'] : []),
    ...(definition.defaultSet === undefined
      ? []
      : [`DefaultParameterSetName=${quoted(definition.defaultSet)}`]),
  ];
  const parameters = definition.parameters.map((each) => `    ${parameterText(each, enums)}`);
  const { output } = definition;
  const classes = output === undefined ? [] : [output, ...(BASES[output] ?? [])];
  return `function ${definition.name} {
  [CmdletBinding(${binding.join(', ')})]
  param(
${parameters.join(',\n')}
  )
  process { Invoke-MobyvmStub -Cmdlet $PSCmdlet -Bound $PSBoundParameters -Classes @(${classes.map(quoted).join(',')}) }
}`;
}

function parameterText({ name, type, values, sets }: StubParameter, enums: Map<string, string>): string {
  const attributes = sets.map((set) => `[Parameter(${setText(set)})]`);
  const bare = type.replace('[]', '');
  const suffix = type.endsWith('[]') ? '[]' : '';
  if (values.length > 0 && bare !== 'String' && values.every((value) => /^[A-Za-z]\w*$/.test(value)))
    return `${attributes.join('')}[${enumOf(values, enums)}${suffix}]$${name}`;
  if (values.length > 0) attributes.push(`[ValidateSet(${values.map(quoted).join(',')})]`);
  if (isObjectClass(bare)) attributes.push(`[PSTypeName(${quoted(bare)})]`);
  return `${attributes.join('')}[${values.length > 0 ? 'string' : (KNOWN[bare] ?? 'object')}${suffix}]$${name}`;
}

function enumOf(values: readonly string[], enums: Map<string, string>): string {
  const key = values.join('; ');
  const name = enums.get(key) ?? `MobyvmValues${enums.size}`;
  enums.set(key, name);
  return name;
}

function setText({ name, isMandatory, fromPipeline }: StubSet): string {
  return [
    ...(name === '' ? [] : [`ParameterSetName=${quoted(name)}`]),
    ...(isMandatory ? ['Mandatory'] : []),
    ...(fromPipeline ? ['ValueFromPipeline'] : []),
  ].join(', ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
