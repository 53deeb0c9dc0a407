function Get-DaemonKvp {
    <#
    .SYNOPSIS
    Reads the key-value items of one pool from the daemon. Returns tables with Pool, Name, Value and IsSecret.
    .PARAMETER Pool
    The pool: host, guest or intrinsic.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Pool)
    $answer = Invoke-Program -Argument 'kvp', 'list', '--pool', $Pool, '--json'
    $json = $answer.Line | Where-Object -FilterScript { $_ -like '{*' } | Select-Object -Last 1
    if ($null -eq $json) { throw $answer.Failure }
    # PowerShell 7 would make dates of the texts that look like them.
    $marked = $json -creplace '"(name|value)":"', '"$1":"='
    foreach ($item in @((ConvertFrom-Json -InputObject $marked).items)) {
        @{ Pool = $Pool; Name = $item.name.Substring(1); Value = $item.value.Substring(1); IsSecret = $item.isSecret }
    }
}
