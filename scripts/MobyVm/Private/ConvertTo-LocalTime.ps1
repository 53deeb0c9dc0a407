function ConvertTo-LocalTime {
    <#
    .SYNOPSIS
    Makes a local time from one in ISO 8601, which ConvertFrom-Json of PowerShell 7 has converted already.
    .PARAMETER Value
    The time.
    #>
    [CmdletBinding()]
    param($Value)
    if ($null -eq $Value) { return $null }
    ([datetime]$Value).ToLocalTime()
}
