<#
.SYNOPSIS
Runs verify-windows.ps1 with stubs of the cmdlets for access lists, named pipes, the registry and the event log, which PowerShell
has on Windows only, or which would find something else here.
#>
param([string]$Path, [switch]$Change)
Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'MobyvmStub.psm1')

function Get-Acl {
    [CmdletBinding()]
    param([Parameter(Mandatory)][string]$LiteralPath)
    Invoke-MobyvmStub -Cmdlet $PSCmdlet -Bound $PSBoundParameters
}

function Get-ChildItem {
    [CmdletBinding()]
    param([Parameter(Mandatory)][string]$LiteralPath)
    Invoke-MobyvmStub -Cmdlet $PSCmdlet -Bound $PSBoundParameters
}

function Get-ItemProperty {
    [CmdletBinding()]
    param([Parameter(Mandatory)][string]$LiteralPath)
    Invoke-MobyvmStub -Cmdlet $PSCmdlet -Bound $PSBoundParameters
}

function Get-WinEvent {
    [CmdletBinding()]
    param([Parameter(Mandatory)][hashtable]$FilterHashtable, [int]$MaxEvents)
    Invoke-MobyvmStub -Cmdlet $PSCmdlet -Bound $PSBoundParameters
}

# In the scope of the session, as -File does it: cmdlets that are functions of a module look there for $ErrorActionPreference.
. $env:VERIFY_SCRIPT @PSBoundParameters
exit $LASTEXITCODE
