<#
.SYNOPSIS
Loads the commands of the module MobyVm.

.DESCRIPTION
Each file below Public is a command of its own name; those below Private are for them. Names are listed rather than searched
for: where application control is enforced, a module may not export what it finds.
#>
# A console's own strict mode would apply here too, and what Windows and mobyvm report leaves out what is not known.
Set-StrictMode -Off

$script:ModuleRoot = $PSScriptRoot
$script:WmiNamespace = 'root/virtualization/v2'
$script:IsFullLanguage = [string]$ExecutionContext.SessionState.LanguageMode -eq 'FullLanguage'

$private = @(
    'Confirm-Change'
    'ConvertFrom-KvpXml'
    'ConvertFrom-LogLine'
    'ConvertFrom-ProgramError'
    'ConvertTo-Failure'
    'ConvertTo-KvpXml'
    'ConvertTo-LocalTime'
    'ConvertTo-NativeArgument'
    'ConvertTo-PlainLine'
    'ConvertTo-Subnet'
    'Find-Machine'
    'Get-DaemonKvp'
    'Get-DaemonState'
    'Get-FirewallFinding'
    'Get-HostShareCheck'
    'Get-LogFile'
    'Get-LogTail'
    'Get-MachineKvp'
    'Get-OverlapFinding'
    'Get-Program'
    'Get-ReservedPort'
    'Get-SwitchFact'
    'Get-SwitchFinding'
    'Import-HyperV'
    'Invoke-KvpMethod'
    'Invoke-Program'
    'New-Failure'
    'New-Result'
    'Test-SubnetOverlap'
    'Test-WindowsHost'
)
$public = @(
    'Enter-MobyVmShell'
    'Export-MobyVmDiagnostics'
    'Get-MobyVmComPort'
    'Get-MobyVmConsole'
    'Get-MobyVmIntegrationService'
    'Get-MobyVmIPAddress'
    'Get-MobyVmKvp'
    'Get-MobyVmLog'
    'Get-MobyVmPortOwner'
    'Get-MobyVmStatus'
    'Get-MobyVmSwitch'
    'Remove-MobyVmKvp'
    'Repair-MobyVm'
    'Set-MobyVmKvp'
    'Test-MobyVmNetwork'
    'Test-MobyVmShare'
)
foreach ($name in $private) { . (Join-Path -Path $PSScriptRoot -ChildPath "Private/$name.ps1") }
foreach ($name in $public) { . (Join-Path -Path $PSScriptRoot -ChildPath "Public/$name.ps1") }

Export-ModuleMember -Function $public
