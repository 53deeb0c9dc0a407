function ConvertTo-Subnet {
    <#
    .SYNOPSIS
    Reads an IPv4 address or network, for example 10.0.75.0/24. Returns its first and last address as numbers, or nothing for
    anything else.
    .PARAMETER Text
    The network; an address is a network of one.
    #>
    [CmdletBinding()]
    param([AllowEmptyString()][string]$Text = '')
    if ($Text -notmatch '^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:/(\d{1,2}))?$') { return }
    $octets = @(1..4 | ForEach-Object -Process { [long]$Matches[$_] })
    $length = if ($null -eq $Matches[5]) { 32 } else { [int]$Matches[5] }
    if ($length -gt 32 -or @($octets | Where-Object -FilterScript { $_ -gt 255 }).Count -gt 0) { return }
    $address = (($octets[0] * 256 + $octets[1]) * 256 + $octets[2]) * 256 + $octets[3]
    $size = [long]1 -shl (32 - $length)
    $first = $address - ($address % $size)
    @{ First = $first; Last = $first + $size - 1; Length = $length }
}
