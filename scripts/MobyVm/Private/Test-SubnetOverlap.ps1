function Test-SubnetOverlap {
    <#
    .SYNOPSIS
    Tells whether two IPv4 networks have addresses in common.
    .PARAMETER One
    A network or address.
    .PARAMETER Other
    Another one.
    #>
    [CmdletBinding()]
    param([AllowEmptyString()][string]$One = '', [AllowEmptyString()][string]$Other = '')
    $a = ConvertTo-Subnet -Text $One
    $b = ConvertTo-Subnet -Text $Other
    $null -ne $a -and $null -ne $b -and $a.First -le $b.Last -and $b.First -le $a.Last
}
