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

/** Every line of an answer that is meant for us begins so; whatever else is printed is nobody's. */
export const ANSWER_MARK = '#mobyvm:';

/**
 * Said once to a new session, each line complete in itself. Text that is not printable ASCII comes back as its UTF-16 code units,
 * because the console's encoding cannot be set in Constrained Language Mode and is the OEM code page in Windows PowerShell.
 * Null is said, as no output at all would be an empty object in Windows PowerShell's JSON. Enums and dates become text here, as every version's JSON has another form for them. HRESULTs are all of an error's chain.
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

/** What a session says when even ConvertTo-Json fails: its module may be one of another PowerShell. */
const WITHOUT_JSON = JSON.stringify({
  failure: { errorId: 'MobyvmJson', hresults: [], message: 'ConvertTo-Json cannot be used' },
});

/**
 * Asks a session what it is, in one row. All of it is constant. The execution policy is told where it can be: a session whose
 * module for it cannot be loaded is good for everything else.
 */
export const GREETING = withAnswer(
  0,
  `@{rows=@(@{version=(${TEXT} $PSVersionTable.PSVersion);edition=(${TEXT} $PSVersionTable.PSEdition);languageMode=(${TEXT} $ExecutionContext.SessionState.LanguageMode);executionPolicy=(${TEXT} $(try{Get-ExecutionPolicy}catch{}))})}`,
);

/** Sent behind {@link GREETING}: a text is all that RestrictedLanguage gives back. A session that has answered already ignores it. */
export const GREETING_WITHOUT_LANGUAGE = `'${ANSWER_MARK}0:{"rows":[{}]}'`;

export interface RenderOptions {
  /** Tells this answer from others. */
  readonly id: number;
  /** How a secret is said: an expression that gives a SecureString. */
  readonly secretText: (secret: string) => string;
}

/** The one line that runs the pipeline and answers with the chosen fields of what comes out, or with nothing if there are none. */
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

/** The pipeline as a person may read it in a log; secrets are `***`. */
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
  if (entry === undefined) throw new MobyvmError('MOBYVM_BUG', `"${cmdlet}" is no cmdlet of ours.`, '');
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
 * With its module: others have a Get-VM as well (VMware's, System Center's). PowerShell's own modules are loaded from the start, and
 * nobody else has their names.
 */
const FROM_THE_START = ['Core', 'Management', 'Security', 'Utility'].map(
  (name) => `Microsoft.PowerShell.${name}`,
);

function qualified(cmdlet: string, module: string): string {
  return FROM_THE_START.includes(module) ? cmdlet : `${module}\\${cmdlet}`;
}

/** The text of a SecureString, by types and methods that Constrained Language Mode allows. */
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
