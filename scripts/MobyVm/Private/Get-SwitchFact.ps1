function Get-SwitchFact {
    <#
    .SYNOPSIS
    Reads from Hyper-V and Windows what belongs to mobyvm's switches: adapter, addresses, NAT network, firewall rules, routes.
    Returns a table for each switch.
    .PARAMETER Name
    The name of the switch, for one that does not have mobyvm's notes.
    #>
    [CmdletBinding()]
    param([string]$Name = '')
    Import-HyperV
    $switches = @(Get-VMSwitch -ErrorAction Stop | Where-Object -FilterScript {
            ($Name -ne '' -and $_.Name -eq $Name) -or ($Name -eq '' -and $_.Notes -match '(^|\s)mobyvm:[0-9a-f-]{36}(\s|$)')
        })
    if ($switches.Count -eq 0) { return }
    $ports = @(Get-VMNetworkAdapter -ManagementOS -ErrorAction Stop)
    $adapters = @(Get-NetAdapter -IncludeHidden -ErrorAction Stop)
    $addresses = @(Get-NetIPAddress -AddressFamily IPv4 -ErrorAction Stop)
    $nats = @(Get-NetNat -ErrorAction Stop)
    foreach ($switch in $switches) {
        $port = $ports | Where-Object -Property SwitchName -EQ -Value $switch.Name | Select-Object -First 1
        $guid = ([string]$port.DeviceId).Trim('{', '}')
        # By its GUID: the name can be changed.
        $adapter = $adapters | Where-Object -FilterScript { $guid -ne '' -and ([string]$_.InterfaceGuid).Trim('{', '}') -eq $guid } | Select-Object -First 1
        $own = @(if ($null -ne $adapter) { $addresses | Where-Object -Property InterfaceIndex -EQ -Value $adapter.InterfaceIndex })
        # What Windows gives itself while there is no other (RFC 3927) is not one.
        $used = @($own | Where-Object -FilterScript { [string]$_.IPAddress -notlike '169.254.*' })
        $nat = $nats | Where-Object -FilterScript {
            $prefix = [string]$_.InternalIPInterfaceAddressPrefix
            @($used | Where-Object -FilterScript { Test-SubnetOverlap -One $prefix -Other ([string]$_.IPAddress) }).Count -gt 0
        } | Select-Object -First 1
        @{
            Switch       = $switch
            Adapter      = $adapter
            Address      = $used
            Nat          = $nat
            OtherAddress = @($addresses | Where-Object -FilterScript { $null -eq $adapter -or $_.InterfaceIndex -ne $adapter.InterfaceIndex })
            OtherNat     = @($nats | Where-Object -FilterScript { $null -eq $nat -or $_.Name -ne $nat.Name })
        }
    }
}
