function Get-OverlapFinding {
    <#
    .SYNOPSIS
    Looks for routes and addresses of other adapters that the VM's network overlaps. Returns Id, Title, Verdict, Detail, Remedy.
    .PARAMETER Fact
    One switch, as Get-SwitchFact returns it.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)]$Fact)
    $alias = [string]$Fact.Adapter.Name
    $routes = @(Get-NetRoute -AddressFamily IPv4 -ErrorAction Stop | Where-Object -FilterScript { [string]$_.InterfaceAlias -ne $alias })
    $strong = @()
    $weak = @()
    foreach ($address in $Fact.Address) {
        $own = "$($address.IPAddress)/$($address.PrefixLength)"
        foreach ($other in $Fact.OtherAddress) {
            if (Test-SubnetOverlap -One $own -Other ([string]$other.IPAddress)) { $strong += "$($other.InterfaceAlias) has $($other.IPAddress)" }
        }
        foreach ($route in $routes) {
            $prefix = [string]$route.DestinationPrefix
            $length = (ConvertTo-Subnet -Text $prefix).Length
            # The routes that a VPN replaces the default route with: 0.0.0.0/1 and 128.0.0.0/1.
            if ($length -le 1 -or -not (Test-SubnetOverlap -One $own -Other $prefix)) { continue }
            # The most specific route is taken.
            if ($length -ge [int]$address.PrefixLength) { $strong += "$prefix is routed to $($route.InterfaceAlias)" }
            else { $weak += "$prefix is routed to $($route.InterfaceAlias)" }
        }
    }
    $remedy = 'Set network.subnet in the settings to a network that nothing else uses, or to auto, then: mobyvm restart'
    if ($strong.Count -gt 0) { return @('overlap', 'Other networks', 'problem', (@($strong | Select-Object -Unique) -join '; '), $remedy) }
    if ($weak.Count -gt 0) {
        return @('overlap', 'Other networks', 'notice', "$(@($weak | Select-Object -Unique) -join '; '); what has an address of the VM's network there cannot be reached", $remedy)
    }
    @('overlap', 'Other networks', 'fine', "nothing else uses the VM's network", '')
}
