function Repair-MobyVm {
    <#
    .SYNOPSIS
    Repairs what can be repaired safely: starts the services that mobyvm needs and mobyvm itself, and has it restore its network
    and its VM.

    .DESCRIPTION
    In this order, as far as it is needed:

    vmms      Hyper-V's management service is started (Windows)
    service   the service mobyvm is started, and the VM with it (Windows)
    mobyvm    mobyvm up: creates again what is missing, such as the switch, the address, the NAT network, firewall rules and
              settings of the VM. Nothing that is right is changed, and a running VM is not restarted

    Images, containers and volumes are kept. Needs an elevated PowerShell.

    .EXAMPLE
    Repair-MobyVm

    Repairs mobyvm.

    .EXAMPLE
    Repair-MobyVm -WhatIf

    Shows what would be done.

    .INPUTS
    None.

    .OUTPUTS
    MobyVm.Repair

    .LINK
    Test-MobyVmNetwork

    .LINK
    Export-MobyVmDiagnostics
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    [OutputType('MobyVm.Repair')]
    param()
    $report = {
        param([string]$Action, [string]$Result, [string]$Detail)
        New-Result -TypeName 'Repair' -Property ([ordered]@{ Action = $Action; Result = $Result; Detail = $Detail; Source = 'mobyvm' })
    }
    try {
        $service = $null
        if (Test-WindowsHost) {
            $services = @(Get-CimInstance -ClassName 'Win32_Service' -ErrorAction Stop)
            $hyperV = $services | Where-Object -Property Name -EQ -Value 'vmms'
            $service = $services | Where-Object -Property Name -EQ -Value 'mobyvm'
            if ($null -eq $hyperV) {
                throw (New-Failure -ErrorId 'MobyVmCommandMissing' -Category 'NotInstalled' -Message 'Hyper-V is not installed: the service vmms does not exist.' -Remedy (
                        'Enable it in an elevated PowerShell: Enable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -All'))
            }
            if ([string]$hyperV.State -ne 'Running' -and (Confirm-Change -Cmdlet $PSCmdlet -Target 'vmms' -Action 'Start service')) {
                Start-Service -Name 'vmms' -Confirm:$false -ErrorAction Stop
                & $report 'vmms' 'done' "Hyper-V's management service was started"
            }
        }
        $daemon = Get-DaemonState
        $words = if ($daemon.State -ne 'running' -and $null -ne $service) { @('service', 'start') } else { @('up') }
        if (-not (Confirm-Change -Cmdlet $PSCmdlet -Target "mobyvm $($words -join ' ')" -Action 'Run')) { return }
        $answer = Invoke-Program -Argument $words
        if ($answer.ExitCode -ne 0) { throw $answer.Failure }
        $last = @($answer.Line | Where-Object -FilterScript { $_.Trim() -ne '' }) | Select-Object -Last 1
        & $report ($words -join ' ') 'done' (ConvertTo-PlainLine -Text "$last".Trim())
    }
    catch {
        $failure = ConvertTo-Failure -ErrorRecord $_
        Write-Error @failure
    }
}
