function Get-MobyVmIPAddress {
    <#
    .SYNOPSIS
    Shows the addresses of the VM.

    .DESCRIPTION
    Asks the daemon for the address that it gave the VM by DHCP (lease), and for those that the guest reports about itself
    (guest). If the daemon does not run, Hyper-V is asked for what the guest reports through the key-value exchange. The property
    Source says who was asked.

    .PARAMETER VMId
    The GUID of a virtual machine, if Hyper-V is asked and has several with mobyvm's notes.

    .EXAMPLE
    Get-MobyVmIPAddress

    Shows the addresses.

    .EXAMPLE
    Get-MobyVmIPAddress | Where-Object -Property Family -EQ -Value IPv4 | Select-Object -ExpandProperty Address

    Returns the IPv4 addresses as text.

    .INPUTS
    None.

    .OUTPUTS
    MobyVm.IPAddress

    .LINK
    Get-MobyVmKvp
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.IPAddress')]
    param([string[]]$VMId)
    $found = @()
    $source = 'daemon'
    try {
        $daemon = Get-DaemonState
        if ($daemon.State -eq 'running') {
            $status = $daemon.Status
            if ($status.network.vmAddress) { $found += @{ Address = $status.network.vmAddress; Origin = 'lease' } }
            foreach ($address in @($status.guest.addresses)) { if ($address) { $found += @{ Address = $address; Origin = 'guest' } } }
        }
        else {
            $source = 'Hyper-V'
            $items = @(Get-MachineKvp -Machine (Find-Machine -VMId $VMId -One))
            foreach ($item in $items) {
                if ($item.Pool -ne 'intrinsic' -or $item.Name -notmatch '^NetworkAddressIPv[46]$') { continue }
                foreach ($address in @($item.Value -split ';')) { if ($address) { $found += @{ Address = $address; Origin = 'guest' } } }
            }
        }
    }
    catch {
        $failure = ConvertTo-Failure -ErrorRecord $_
        Write-Error @failure
        return
    }
    foreach ($each in $found) {
        $text = ConvertTo-PlainLine -Text ([string]$each.Address)
        New-Result -TypeName 'IPAddress' -Property ([ordered]@{
                Address = $text -replace '/\d+$', ''
                Family  = $(if ($text -like '*:*') { 'IPv6' } else { 'IPv4' })
                Origin  = $each.Origin
                Source  = $source
            })
    }
}
