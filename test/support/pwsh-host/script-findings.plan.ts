import { z } from 'zod';
import { cmdletEntry } from '../../../src/powershell/index.js';

const place = z.object({ Line: z.number(), Text: z.string() });
const help = z.array(z.string()).nullable();
/** What the console's `--check` prints of a script. */
export const scriptReport = z.object({
  Errors: z.array(place),
  IsAscii: z.boolean(),
  Newer: z.array(place),
  Types: z.array(place),
  Help: help,
  Functions: z.array(
    z.object({ Name: z.string(), Line: z.number(), Parameters: z.array(z.string()), Help: help }),
  ),
  Commands: z.array(
    z.object({
      Name: z.string(),
      Line: z.number(),
      Parameters: z.array(z.string()),
      Positionals: z.number(),
      Binding: z.array(z.string()),
    }),
  ),
});
export type ScriptReport = z.infer<typeof scriptReport>;

/** Cmdlets of PowerShell itself, with their parameters that Windows PowerShell 5.1 has as well, as far as scripts use them. */
const OWN_CMDLETS: Readonly<Record<string, string>> = {
  'Add-Content': 'LiteralPath Value NoNewline Encoding',
  'Add-Member': 'InputObject TypeName',
  'ConvertFrom-Json': 'InputObject',
  'ConvertTo-Json': 'InputObject Compress Depth',
  'Export-ModuleMember': 'Function',
  'ConvertFrom-SecureString': 'SecureString SecureKey',
  'ConvertTo-SecureString': 'String SecureKey',
  'ForEach-Object': 'Process',
  'Get-Acl': 'LiteralPath',
  'Get-ChildItem': 'LiteralPath',
  'Get-Command': 'Name CommandType',
  'Get-Content': 'LiteralPath Encoding Tail',
  'Get-Date': 'Format',
  'Get-ExecutionPolicy': '',
  'Get-Item': 'LiteralPath Force',
  'Get-ItemProperty': 'LiteralPath',
  'Get-Location': 'PSProvider',
  'Get-WinEvent': 'FilterHashtable MaxEvents',
  'Import-Module': 'Name',
  'Join-Path': 'Path ChildPath',
  'New-Item': 'ItemType Path',
  'New-Object': 'TypeName Property ArgumentList',
  'Out-Host': '',
  'Read-Host': 'Prompt',
  'Remove-Item': 'LiteralPath Recurse Force',
  'Select-Object': 'First Last Skip Unique',
  'Set-Content': 'LiteralPath Value Encoding',
  'Set-StrictMode': 'Version Off',
  'Sort-Object': 'Property Unique',
  'Split-Path': 'Path Parent IsAbsolute',
  'Start-Sleep': 'Milliseconds Seconds',
  'Test-Path': 'LiteralPath',
  'Where-Object': 'FilterScript Property EQ Like Match Value',
  'Write-Debug': 'Message',
  'Write-Error': 'Category ErrorId Message TargetObject',
  'Write-Host': 'Object',
  'Write-Output': 'InputObject',
  'Write-Warning': 'Message',
};
/** .NET types, as scripts for people name them: those that Windows PowerShell's .NET Framework has too, as far as they are used. */
const OWN_TYPES = [
  ...['bool', 'char', 'int', 'scriptblock', 'string', 'switch', 'System.Security.SecureString'],
  ...['System.IO.Pipes.NamedPipeClientStream'],
  ...['System.Net.IPAddress', 'System.Net.IPEndPoint', 'System.Net.Sockets.UdpClient'],
  ...['datetime', 'hashtable', 'long', 'ordered', 'securestring', 'xml'],
  ...['System.Console', 'System.Management.Automation.ErrorRecord'],
];
/** Of every cmdlet. */
const COMMON = ['ErrorAction', 'Confirm', 'Verbose', 'WhatIf'];
const APPROVED_VERBS = [
  ...[
    'Add',
    'Confirm',
    'ConvertFrom',
    'ConvertTo',
    'Enter',
    'Export',
    'Find',
    'Get',
    'Import',
    'Invoke',
    'New',
  ],
  ...['Remove', 'Repair', 'Set', 'Test'],
];

export interface ScriptRules {
  /** A script that people call: its help must be whole, and Windows PowerShell must know its types. */
  readonly isForPeople: boolean;
  /** The other functions of its module: a file of one function, whose help is the function's. */
  readonly module?: ScriptReport['Functions'];
}

/** What is wrong with a script, as `line: what`; empty when nothing is. */
export function scriptFindings(
  report: ScriptReport,
  { isForPeople, module }: ScriptRules,
): readonly string[] {
  const own = new Map(
    [...report.Functions, ...(module ?? [])].map(({ Name, Parameters }) => [Name.toLowerCase(), Parameters]),
  );
  const isPart = module !== undefined && report.Functions.length > 0;
  return [
    ...report.Errors.map(({ Line, Text }) => `${Line}: syntax: ${Text}`),
    ...(report.IsAscii
      ? []
      : ['1: it is not all ASCII: Windows PowerShell 5.1 would read it in the ANSI code page']),
    ...report.Newer.map(({ Line, Text }) => `${Line}: Windows PowerShell 5.1 does not know ${Text}`),
    ...report.Functions.flatMap(({ Name, Line }) =>
      APPROVED_VERBS.includes(Name.split('-')[0] ?? '')
        ? []
        : [`${Line}: ${Name} begins with no approved verb`],
    ),
    ...(isForPeople ? [...helpFindings(report, isPart), ...typeFindings(report)] : []),
    ...report.Commands.flatMap((command) => commandFindings(command, own)),
  ];
}

function helpFindings({ Help, Functions }: ScriptReport, isPart: boolean): readonly string[] {
  const script = isPart ? [] : [{ Name: 'the script', Line: 1, Help }];
  return [...script, ...Functions].flatMap((each) => {
    if (each.Help === null) return [`${each.Line}: ${each.Name} has no help`];
    return each.Help.map((parameter) => `${each.Line}: the help of ${each.Name} lacks ${parameter}`);
  });
}

function typeFindings({ Types }: ScriptReport): readonly string[] {
  return Types.filter(({ Text }) => !OWN_TYPES.includes(Text.replace(/\[\]$/, ''))).map(
    ({ Line, Text }) => `${Line}: ${Text} is no type that scripts may use`,
  );
}

function commandFindings(
  { Name, Line, Parameters, Positionals, Binding }: ScriptReport['Commands'][number],
  own: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  // A script block that is called has no name.
  if (Name === '') return [];
  const binding = Binding.map((text) => `${Line}: ${Name}: ${text}`);
  const parametersOfOwn = own.get(Name.toLowerCase());
  if (parametersOfOwn !== undefined) {
    const missing = Parameters.filter((parameter) => ![...parametersOfOwn, ...COMMON].includes(parameter));
    return [...binding, ...missing.map((parameter) => `${Line}: ${Name} has no parameter ${parameter}`)];
  }
  const entry = cmdletEntry(Name);
  const known = Object.hasOwn(OWN_CMDLETS, Name)
    ? OWN_CMDLETS[Name]?.split(' ')
    : entry && Object.keys(entry.parameters);
  if (known === undefined)
    return [`${Line}: ${Name} is no command that scripts may use (or an alias of one)`];
  const unknown = Parameters.filter((parameter) => ![...known, ...COMMON].includes(parameter));
  return [
    ...unknown.map((parameter) => `${Line}: ${Name} has no parameter ${parameter}`),
    ...(Positionals > 0 ? [`${Line}: ${Name} has an argument without a name`] : []),
    ...(entry?.confirms === true && !Parameters.includes('Confirm')
      ? [`${Line}: ${Name} may ask for confirmation: -Confirm:$false is missing`]
      : []),
    ...binding,
  ];
}
