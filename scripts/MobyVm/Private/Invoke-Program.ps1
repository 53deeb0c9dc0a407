function Invoke-Program {
    <#
    .SYNOPSIS
    Runs mobyvm to its end. Returns its exit code, its lines, and the error that it reported as parameters of Write-Error.
    .PARAMETER Argument
    Its arguments.
    .PARAMETER InputText
    What it reads from standard input.
    .PARAMETER OnLine
    Gets each line as soon as it is printed; its output is this command's output, and nothing else is returned. Standard error
    becomes an error at the end.
    .PARAMETER Interactive
    Leaves the console to it, and returns what it prints to standard output where that is used; nothing else is returned.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][AllowEmptyString()][string[]]$Argument,
        [AllowEmptyString()][string]$InputText = '',
        [scriptblock]$OnLine,
        [switch]$Interactive
    )
    $program = @(Get-Program)
    # What a program prints to standard error is for us to judge.
    $ErrorActionPreference = 'Continue'
    $PSNativeCommandUseErrorActionPreference = $false
    $PSNativeCommandArgumentPassing = 'Legacy'
    $words = @(foreach ($each in @($program | Select-Object -Skip 1) + $Argument) { ConvertTo-NativeArgument -Text $each })
    $consoleEncoding = $null
    if ($script:IsFullLanguage) {
        $utf8 = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
        $OutputEncoding = $utf8
        try {
            $consoleEncoding = [System.Console]::OutputEncoding
            [System.Console]::OutputEncoding = $utf8
        }
        catch { Write-Debug -Message 'There is no console whose encoding could be set.' }
    }
    $problems = @()
    try {
        if ($Interactive) {
            & $program[0] $words
            return
        }
        if ($null -ne $OnLine) {
            $null | & $program[0] $words 2>&1 | ForEach-Object -Process {
                if ($_ -is [System.Management.Automation.ErrorRecord]) { $problems += [string]$_ }
                else { & $OnLine ([string]$_) }
            }
            if ($problems.Count -gt 0) { throw (ConvertFrom-ProgramError -Line $problems) }
            return
        }
        $printed = @($InputText | & $program[0] $words 2>&1)
    }
    finally {
        if ($null -ne $consoleEncoding) { [System.Console]::OutputEncoding = $consoleEncoding }
    }
    $code = $LASTEXITCODE
    $lines = @($printed | Where-Object -FilterScript { $_ -isnot [System.Management.Automation.ErrorRecord] } | ForEach-Object -Process { [string]$_ })
    $problems = @($printed | Where-Object -FilterScript { $_ -is [System.Management.Automation.ErrorRecord] } | ForEach-Object -Process { [string]$_ })
    @{ ExitCode = $code; Line = $lines; Failure = (ConvertFrom-ProgramError -Line $problems) }
}
