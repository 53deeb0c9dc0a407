<#
.SYNOPSIS
Runs tests' scripts with the module MobyVm on the stubs, one for each line that it reads, and writes what came out to a file, as
JSON.
#>
$ErrorActionPreference = 'Continue'
[System.Globalization.CultureInfo]::CurrentCulture = $env:MODULE_SESSION_CULTURE
[System.Globalization.CultureInfo]::CurrentUICulture = $env:MODULE_SESSION_CULTURE
foreach ($path in $env:PWSH_HOST_MODULES -split [System.IO.Path]::PathSeparator) { Import-Module -Name $path }
Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'ModuleSession.psm1')
# From here on as an application control policy has it, also for the module.
$ExecutionContext.SessionState.LanguageMode = $env:MODULE_SESSION_LANGUAGE
Import-Module -Name "$env:MODULE_SESSION/mobyvm/modules/MobyVm" -ErrorAction Stop
while ($null -ne (Read-SessionLine)) {
    $errors = @()
    $warnings = @()
    $objects = @()
    & "$env:MODULE_SESSION/script.ps1" 3>&1 2>&1 | ForEach-Object -Process {
        if ($_ -is [System.Management.Automation.ErrorRecord]) {
            $errors += @{
                id       = $_.FullyQualifiedErrorId
                category = [string]$_.CategoryInfo.Category
                message  = [string]$_
                remedy   = $_.ErrorDetails.RecommendedAction
            }
        }
        elseif ($_ -is [System.Management.Automation.WarningRecord]) { $warnings += [string]$_ }
        else { $objects += @{ type = $_.PSObject.TypeNames[0]; value = $_ } }
    }
    $result = @{
        objects      = $objects
        errors       = $errors
        warnings     = $warnings
        languageMode = [string](& (Get-Module -Name 'MobyVm') { $ExecutionContext.SessionState.LanguageMode })
    }
    ConvertTo-Json -InputObject $result -Depth 8 -Compress | Set-Content -LiteralPath "$env:MODULE_SESSION/result.json" -Encoding UTF8
    Write-SessionLine -Text '<done>'
}
