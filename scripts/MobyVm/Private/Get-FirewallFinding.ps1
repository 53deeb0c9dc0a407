function Get-FirewallFinding {
    <#
    .SYNOPSIS
    Checks mobyvm's firewall rules, and whether Windows applies them. Returns Id, Title, Verdict, Detail, Remedy.
    #>
    [CmdletBinding()]
    param()
    $rules = @(
        try { Get-NetFirewallRule -Group 'mobyvm' -ErrorAction Stop }
        catch { if ([string]$_.FullyQualifiedErrorId -notmatch '^CmdletizationQuery_NotFound') { throw } }
    )
    # A network without a gateway is unidentified, and so public.
    $public = Get-NetFirewallProfile -PolicyStore 'ActiveStore' -ErrorAction Stop | Where-Object -Property Name -EQ -Value 'Public'
    $isOn = [string]$public.Enabled -eq 'True'
    $off = @($rules | Where-Object -FilterScript { [string]$_.Enabled -ne 'True' })
    if ($isOn -and [string]$public.AllowInboundRules -eq 'False') {
        return @('firewall', 'Firewall', 'problem', 'the profile Public takes no inbound rules', 'Set-NetFirewallProfile -Name Public -AllowInboundRules True, or ask your administrator')
    }
    if ($isOn -and [string]$public.AllowLocalFirewallRules -eq 'False') {
        return @('firewall', 'Firewall', 'problem', 'a group policy makes the profile Public ignore rules of this computer', 'Ask your administrator to allow local rules, or to add those of the group mobyvm')
    }
    if ($rules.Count -eq 0) {
        return @('firewall', 'Firewall', $(if ($isOn) { 'problem' } else { 'notice' }), 'there is no rule of mobyvm', 'Repair-MobyVm')
    }
    if ($off.Count -gt 0) { return @('firewall', 'Firewall', 'problem', "$($off.Count) of $($rules.Count) rules of mobyvm are off", 'Repair-MobyVm') }
    @('firewall', 'Firewall', 'fine', "$($rules.Count) rules of mobyvm are on", '')
}
