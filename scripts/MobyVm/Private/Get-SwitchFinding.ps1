function Get-SwitchFinding {
    <#
    .SYNOPSIS
    Checks the network of mobyvm's VM on Windows, one thing after the other. Returns objects of the type MobyVm.Finding.
    .PARAMETER Status
    What the daemon reports; nothing if it does not run.
    #>
    [CmdletBinding()]
    param($Status)
    $finding = {
        param([string]$Id, [string]$Title, [string]$Verdict, [string]$Detail, [string]$Remedy)
        New-Result -TypeName 'Finding' -Property ([ordered]@{ Id = $Id; Title = $Title; Verdict = $Verdict; Detail = $Detail; Remedy = $Remedy; Source = 'Hyper-V' })
    }
    $repair = 'Repair-MobyVm'
    $facts = @(Get-SwitchFact)
    if ($facts.Count -eq 0) {
        & $finding 'switch' 'Switch' 'problem' 'Hyper-V has no switch of mobyvm' $repair
        return
    }
    if ($facts.Count -gt 1) {
        $names = @($facts | ForEach-Object -Process { $_.Switch.Name }) -join ', '
        & $finding 'switch' 'Switch' 'notice' "there are several switches with mobyvm's notes: $names" 'Remove those that no mobyvm uses: Remove-VMSwitch'
    }
    foreach ($fact in $facts) {
        $name = [string]$fact.Switch.Name
        if ([string]$fact.Switch.SwitchType -eq 'Internal') { & $finding 'switch' 'Switch' 'fine' "$name, internal" '' }
        else { & $finding 'switch' 'Switch' 'problem' "$name is of the type $($fact.Switch.SwitchType), and has to be internal" $repair }
        if ($null -eq $fact.Adapter) {
            & $finding 'adapter' 'Host adapter' 'problem' "Windows has no adapter on the switch $name" $repair
            continue
        }
        $alias = [string]$fact.Adapter.Name
        $isUp = [string]$fact.Adapter.Status -eq 'Up'
        if ($isUp) { & $finding 'adapter' 'Host adapter' 'fine' "$alias is up" '' }
        else { & $finding 'adapter' 'Host adapter' 'problem' "$alias is $($fact.Adapter.Status)" "Enable-NetAdapter -Name '$alias'" }

        $texts = @($fact.Address | ForEach-Object -Process { "$($_.IPAddress)/$($_.PrefixLength)" })
        $wanted = [string]$Status.network.hostAddress
        if ($texts.Count -eq 0) { & $finding 'address' 'Host address' 'problem' "$alias has no address" $repair }
        elseif ($wanted -ne '' -and @($fact.Address | Where-Object -FilterScript { [string]$_.IPAddress -eq $wanted }).Count -eq 0) {
            & $finding 'address' 'Host address' 'problem' "$alias has $($texts -join ', '), and should have $wanted" $repair
        }
        else { & $finding 'address' 'Host address' 'fine' ($texts -join ', ') '' }

        if ($null -ne $fact.Nat) { & $finding 'nat' 'NAT network' 'fine' "$($fact.Nat.Name) for $($fact.Nat.InternalIPInterfaceAddressPrefix)" '' }
        else {
            $others = @($fact.OtherNat | ForEach-Object -Process { "$($_.Name) for $($_.InternalIPInterfaceAddressPrefix)" })
            $detail = 'no NAT network contains the address of the host'
            if ($others.Count -gt 0) { $detail += "; there is $($others -join ', ')" }
            & $finding 'nat' 'NAT network' 'problem' $detail 'Repair-MobyVm, or set network.nat to none in the settings if something else routes the traffic'
        }
        $overlap = @(Get-OverlapFinding -Fact $fact)
        & $finding @overlap
    }
    $firewall = @(Get-FirewallFinding)
    & $finding @firewall
    foreach ($obstacle in @($Status.obstacles)) {
        if ($null -ne $obstacle) { & $finding 'obstacle' 'Other programs' 'problem' $obstacle.problem $obstacle.remedy }
    }
}
