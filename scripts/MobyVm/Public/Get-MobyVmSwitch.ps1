function Get-MobyVmSwitch {
    <#
    .SYNOPSIS
    Shows the virtual switch of mobyvm's VM, with the host's adapter, its addresses and the NAT network.

    .DESCRIPTION
    Asks Hyper-V, whether the daemon runs or not: mobyvm's switches are those with mobyvm's notes. On Linux the daemon is asked
    for the bridge. Test-MobyVmNetwork says whether all of it is right.

    .PARAMETER Name
    The name of a switch, for one that does not have mobyvm's notes.

    .EXAMPLE
    Get-MobyVmSwitch

    Shows the switch.

    .EXAMPLE
    (Get-MobyVmSwitch).Address

    Returns the addresses that the host has on it.

    .INPUTS
    None.

    .OUTPUTS
    MobyVm.Switch

    .LINK
    Test-MobyVmNetwork
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.Switch')]
    param([Parameter(Position = 0)][string]$Name = '')
    try {
        if (-not (Test-WindowsHost)) {
            $daemon = Get-DaemonState
            if ($null -ne $daemon.Failure) { throw $daemon.Failure }
            if ($daemon.State -ne 'running') {
                throw (New-Failure -ErrorId 'MobyVmNotRunning' -Category 'ResourceUnavailable' -Message 'The daemon does not run.' -Remedy 'Start it with: mobyvm up')
            }
            $network = $daemon.Status.network
            return New-Result -TypeName 'Switch' -Property ([ordered]@{
                    Name           = $network.name
                    Id             = $null
                    Type           = 'Bridge'
                    Adapter        = $network.name
                    AdapterStatus  = $null
                    InterfaceIndex = $null
                    Address        = @($network.hostAddress)
                    NatName        = $null
                    NatPrefix      = $network.subnet
                    Source         = 'daemon'
                })
        }
        foreach ($fact in @(Get-SwitchFact -Name $Name)) {
            if ($null -eq $fact) { continue }
            New-Result -TypeName 'Switch' -Property ([ordered]@{
                    Name           = [string]$fact.Switch.Name
                    Id             = [string]$fact.Switch.Id
                    Type           = [string]$fact.Switch.SwitchType
                    Adapter        = $fact.Adapter.Name
                    AdapterStatus  = $(if ($null -ne $fact.Adapter) { [string]$fact.Adapter.Status })
                    InterfaceIndex = $fact.Adapter.InterfaceIndex
                    Address        = @($fact.Address | ForEach-Object -Process { "$($_.IPAddress)/$($_.PrefixLength)" })
                    NatName        = $fact.Nat.Name
                    NatPrefix      = $fact.Nat.InternalIPInterfaceAddressPrefix
                    Source         = 'Hyper-V'
                })
        }
    }
    catch {
        $failure = ConvertTo-Failure -ErrorRecord $_
        Write-Error @failure
    }
}
