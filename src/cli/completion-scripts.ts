export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof SHELLS)[number];

/** The command that the scripts call: `-- COUNT WORD...`, COUNT with the word to complete, also if that is empty. */
export const COMPLETE = '__complete';

/** Scripts are short: what may follow is decided by this program, and printed as lines of `word<tab>description`. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for mobyvm
_mobyvm() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    line=\${line%%$'\\t'*}
    COMPREPLY+=("$(printf '%q' "$line")")
  done < <("$1" ${COMPLETE} -- "$COMP_CWORD" "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _mobyvm mobyvm
`,
  zsh: `#compdef mobyvm
# zsh completion for mobyvm
_mobyvm() {
  local line word
  local -a found
  while IFS= read -r line; do
    word=\${\${line%%$'\\t'*}//:/\\\\:}
    found+=("$word:\${line#*$'\\t'}")
  done < <("\${words[1]}" ${COMPLETE} -- $((CURRENT - 1)) "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then
    _describe 'mobyvm' found
  else
    _files
  fi
}
if [[ "\${zsh_eval_context[-1]}" == loadautofunc ]]; then
  _mobyvm "$@"
else
  compdef _mobyvm mobyvm
fi
`,
  fish: `# fish completion for mobyvm
function __mobyvm_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] ${COMPLETE} -- (count $words) $words[2..-1] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c mobyvm -f -a '(__mobyvm_complete)'
`,
  powershell: `# PowerShell completion for mobyvm
Register-ArgumentCompleter -Native -CommandName 'mobyvm', 'mobyvm.cmd' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
            Where-Object -FilterScript { $_.Extent.EndOffset -lt $cursorPosition -or "$_" -eq $wordToComplete } | ForEach-Object -Process { "$_" })
    $count = $words.Count
    if ($wordToComplete -eq '') { $count += 1 }
    & ([string]$commandAst.CommandElements[0]) ${COMPLETE} -- $count $words 2>$null | ForEach-Object -Process {
        $word, $text = $_ -split "\`t", 2
        if ($text -eq '') { $text = $word }
        $quoted = if ($word -match '[\\s''"$\`;,(){}|&<>@#]') { "'" + $word.Replace("'", "''") + "'" } else { $word }
        [System.Management.Automation.CompletionResult]::new($quoted, $word, 'ParameterValue', $text)
    }
}
`,
};
