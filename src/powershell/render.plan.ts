import { MobyvmError } from '../core/values/index.js';
import type { CmdletCall, ParameterValue } from './call.js';
import { cmdletEntry } from './cmdlets/index.js';
import { encodeLiteral, textLiteral } from './literal.codec.js';
import { SEAL, SEAL_PREAMBLE } from './seal-secret.js';
import type { FieldKind, Fields, Pipeline, PipelineStage } from './powershell.js';

/** Names of the functions that {@link PREAMBLE} defines in a session. */
const TEXT = 'ConvertTo-MobyvmText';
const NUMBER = 'ConvertTo-MobyvmNumber';
const BOOLEAN = 'ConvertTo-MobyvmBoolean';
const FAILURE = 'ConvertTo-MobyvmFailure';

/** Prefix of the answer lines; other output is ignored. */
export const ANSWER_MARK = '#mobyvm:';

/**
 * Sent once to a new session, each line complete in itself. Text that is not printable ASCII comes back as
 * its UTF-16 code units, because the console's encoding cannot be set in Constrained Language Mode and is the
 * OEM code page in Windows PowerShell. Null is output explicitly: no output at all would be an empty object
 * in Windows PowerShell's JSON. Enums and dates become text here, as their form in JSON depends on the
 * version. HRESULTs are those of the whole chain of exceptions.
 * @see https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_language_modes
 */
export const PREAMBLE: readonly string[] = [
  "$ErrorActionPreference='Stop'",
  "$ProgressPreference='SilentlyContinue'",
  "$WarningPreference='SilentlyContinue'",
  "$ConfirmPreference='None'",
  ...SEAL_PREAMBLE,
  `function ${TEXT}($v){if($null -ne $v){if($v -is [datetime]){$v=$v.ToUniversalTime().ToString('o')};$s=[string]$v;if($s -cmatch '[^ -~]'){,[int[]][char[]]$s}else{$s}}else{$null}}`,
  `function ${NUMBER}($v){if($null -ne $v){[double]$v}else{$null}}`,
  `function ${BOOLEAN}($v){if($null -ne $v){[string]$v -eq 'True'}else{$null}}`,
  `function ${FAILURE}($e){$h=@();$x=$e.Exception;while($null -ne $x -and $h.Count -lt 8){$h+=$x.HResult;$x=$x.InnerException};$c=$e.InvocationInfo.MyCommand.Name;if(!$c){$c=$e.Exception.CommandName};if(!$c){$c=$e.CategoryInfo.Activity};$m=[string]$e.Exception.Message;$i=[string]$e.Exception.InnerException.Message;if($i -and !$m.Contains($i)){$m="$m $i"};$k=$e.Exception.InnerException.ErrorRecord.CategoryInfo.Category;@{errorId=(${TEXT} $e.FullyQualifiedErrorId);category=(${TEXT} $e.CategoryInfo.Category);cause=(${TEXT} $k);hresults=$h;message=(${TEXT} $m);command=(${TEXT} $c)}}`,
];

/** The answer when even ConvertTo-Json fails: its module may belong to another PowerShell. */
const WITHOUT_JSON = JSON.stringify({
  failure: { errorId: 'MobyvmJson', hresults: [], message: 'ConvertTo-Json cannot be used' },
});

/**
 * Asks a session for its version and mode, in one row. The execution policy is optional: a session that
 * cannot load the module for it can still do everything else.
 */
export const GREETING = withAnswer(
  0,
  `@{rows=@(@{version=(${TEXT} $PSVersionTable.PSVersion);edition=(${TEXT} $PSVersionTable.PSEdition);languageMode=(${TEXT} $ExecutionContext.SessionState.LanguageMode);executionPolicy=(${TEXT} $(try{Get-ExecutionPolicy}catch{}))})}`,
);

/**
 * Sent after {@link GREETING}: in RestrictedLanguage only a plain text comes back. After an answer to the
 * greeting it is ignored.
 */
export const GREETING_WITHOUT_LANGUAGE = `'${ANSWER_MARK}0:{"rows":[{}]}'`;

export interface RenderOptions {
  /** Identifies the answer. */
  readonly id: number;
  /** Returns an expression for a secret that evaluates to a SecureString. */
  readonly secretText: (secret: string) => string;
}

/**
 * One line that runs the pipeline and answers with the chosen fields of its output, or with nothing if no
 * fields are given.
 */
export function renderRequest(
  pipeline: Pipeline,
  fields: Fields | undefined,
  { id, secretText }: RenderOptions,
): string {
  const stages = pipeline.map((stage) => renderStage(stage, secretText)).join('|');
  const rows =
    fields === undefined ? `${stages}|Out-Null;@{rows=@()}` : `@{rows=@(${stages}|${projection(fields)})}`;
  return withAnswer(id, rows);
}

/** The pipeline for a log; secrets are `***`. */
export function renderForLog(pipeline: Pipeline): string {
  return pipeline.map((stage) => renderStage(stage, undefined)).join(' | ');
}

function withAnswer(id: number, statement: string): string {
  const json = (value: string): string => `(ConvertTo-Json -InputObject ${value} -Compress -Depth 6)`;
  const failed = `try{$mobyvm=${json(`@{failure=(${FAILURE} $_)}`)}}catch{$mobyvm='${WITHOUT_JSON}'}`;
  return `$mobyvm=$null;try{$mobyvm=$(${statement});$mobyvm=${json('$mobyvm')}}catch{${failed}};'${ANSWER_MARK}${id}:'+$mobyvm`;
}

/** @param secretText undefined writes `***` for every secret */
function renderStage(stage: PipelineStage, secretText: RenderOptions['secretText'] | undefined): string {
  if ('where' in stage)
    return `Where-Object -Property ${textLiteral(stage.where)} -EQ -Value ${textLiteral(stage.equals)}`;
  return renderCall(stage, secretText);
}

function renderCall(
  { cmdlet, parameters }: CmdletCall,
  secretText: RenderOptions['secretText'] | undefined,
): string {
  const entry = cmdletEntry(cmdlet);
  if (entry === undefined)
    throw new MobyvmError('MOBYVM_BUG', `"${cmdlet}" is not in the table of cmdlets.`, '');
  const literal = (value: ParameterValue): string => {
    if (typeof value === 'object' && 'secret' in value) return secretText?.(value.secret) ?? '***';
    if (typeof value === 'object' && 'hidden' in value)
      return secretText === undefined ? '***' : plainTextOf(secretText(value.hidden));
    if (typeof value === 'object' && 'cmdlet' in value) return `(${renderCall(value, secretText)})`;
    return encodeLiteral(value, literal);
  };
  const words = Object.entries(parameters).flatMap(([name, value]) => {
    const kind = Object.hasOwn(entry.parameters, name) ? entry.parameters[name] : undefined;
    if (kind === undefined)
      throw new MobyvmError('MOBYVM_BUG', `"${cmdlet}" has no parameter "${name}".`, '');
    if (kind === 'switch') return value === true ? [`-${name}`] : [];
    return [`-${name}`, literal(value)];
  });
  return [
    qualified(cmdlet, entry.module),
    ...words,
    ...(entry.confirms ? ['-Confirm:$false'] : []),
    '-ErrorAction Stop',
  ].join(' ');
}

/**
 * Cmdlets are qualified by their module: VMware and System Center have a Get-VM too. PowerShell's own modules
 * are always loaded, and their names are not used by others.
 */
const FROM_THE_START = ['Core', 'Management', 'Security', 'Utility'].map(
  (name) => `Microsoft.PowerShell.${name}`,
);

function qualified(cmdlet: string, module: string): string {
  return FROM_THE_START.includes(module) ? cmdlet : `${module}\\${cmdlet}`;
}

/** The text of a SecureString, using only types and methods that Constrained Language Mode allows. */
function plainTextOf(secureString: string): string {
  return `([pscredential]::new('x',${secureString})).GetNetworkCredential().Password`;
}

function projection(fields: Fields): string {
  const members = Object.entries(fields).map(
    ([path, kind]) => `${textLiteral(path)}=${convertedMember(path, kind)}`,
  );
  return `ForEach-Object{@{${members.join(';')}}}`;
}

function convertedMember(path: string, kind: FieldKind): string {
  const member = `$_${path
    .split('.')
    .map((name) => `.${textLiteral(name)}`)
    .join('')}`;
  switch (kind) {
    case 'text':
      return `(${TEXT} ${member})`;
    case 'number':
      return `(${NUMBER} ${member})`;
    case 'boolean':
      return `(${BOOLEAN} ${member})`;
    case 'texts':
      return `@(foreach($v in ${member}){,(${TEXT} $v)})`;
    case 'hidden texts':
      return `@(foreach($v in ${member}){${SEAL} $v})`;
    case 'numbers':
      return `@(foreach($v in ${member}){${NUMBER} $v})`;
  }
}
