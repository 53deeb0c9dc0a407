function Test-MobyVmNetwork {
    <#
    .SYNOPSIS
    Checks the network of mobyvm's VM: switch, adapter, address, NAT network, overlaps with other networks, firewall.

    .DESCRIPTION
    Changes nothing. Each result has a verdict:

    fine      it is right
    notice    it works, but you should know
    problem   it does not work; Remedy says what to do
    unknown   it could not be checked

    On Windows, Hyper-V and Windows are asked, whether the daemon runs or not. On Linux, the results are those of mobyvm doctor
    about the network. The property Source says who was asked.

    .PARAMETER Quiet
    Returns only True or False: whether there is no problem and everything could be checked.

    .EXAMPLE
    Test-MobyVmNetwork

    Checks the network.

    .EXAMPLE
    Test-MobyVmNetwork | Where-Object -Property Verdict -NE -Value fine | Format-List

    Shows what is wrong, and what to do about it.

    .EXAMPLE
    if (-not (Test-MobyVmNetwork -Quiet)) { Repair-MobyVm }

    Repairs mobyvm if its network is not right.

    .INPUTS
    None.

    .OUTPUTS
    MobyVm.Finding; with -Quiet System.Boolean.

    .LINK
    Get-MobyVmSwitch

    .LINK
    Repair-MobyVm
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.Finding', [bool])]
    param([switch]$Quiet)
    $findings = @()
    try {
        if (Test-WindowsHost) { $findings = @(Get-SwitchFinding -Status (Get-DaemonState).Status) }
        else {
            $answer = Invoke-Program -Argument 'doctor', '--json'
            $json = $answer.Line | Where-Object -FilterScript { $_ -like '{*' } | Select-Object -Last 1
            if ($null -eq $json) { throw $answer.Failure }
            $findings = @(foreach ($each in (ConvertFrom-Json -InputObject $json).findings) {
                    if ($each.id -notmatch 'network|subnet|address|bridge|nat|firewall|forward|port|dns|dhcp|route') { continue }
                    New-Result -TypeName 'Finding' -Property ([ordered]@{ Id = $each.id; Title = $each.title; Verdict = $each.verdict; Detail = $each.detail; Remedy = [string]$each.remedy; Source = 'mobyvm doctor' })
                })
        }
    }
    catch {
        $failure = ConvertTo-Failure -ErrorRecord $_
        if ($Quiet) { Write-Error @failure }
        $findings = @(New-Result -TypeName 'Finding' -Property ([ordered]@{ Id = 'host'; Title = 'Host'; Verdict = 'unknown'; Detail = $failure.Message; Remedy = $failure.RecommendedAction; Source = 'mobyvm' }))
    }
    if ($Quiet) { @($findings | Where-Object -FilterScript { @('problem', 'unknown') -contains $_.Verdict }).Count -eq 0 }
    else { $findings }
}
