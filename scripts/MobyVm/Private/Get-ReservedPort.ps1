function Get-ReservedPort {
    <#
    .SYNOPSIS
    Returns the ranges of ports that Windows has reserved, as tables with First and Last.
    .PARAMETER Protocol
    TCP or UDP.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Protocol)
    $folder = Join-Path -Path $env:SystemRoot -ChildPath 'System32'
    $program = Join-Path -Path $folder -ChildPath 'netsh.exe'
    if (-not (Test-Path -LiteralPath $program)) { return }
    # Its texts are localized; rows are two numbers.
    foreach ($line in @($null | & $program 'interface' 'ipv4' 'show' 'excludedportrange' "protocol=$($Protocol.ToLowerInvariant())")) {
        if ([string]$line -match '^\s*(\d{1,5})\s+(\d{1,5})(\s|$)') { @{ First = [int]$Matches[1]; Last = [int]$Matches[2] } }
    }
}
