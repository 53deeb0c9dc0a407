function Get-DaemonState {
    <#
    .SYNOPSIS
    Asks mobyvm for the daemon's status. Returns State (running, not-running, unknown), Status as mobyvm reports it, and why it
    is unknown as parameters of Write-Error (Failure).
    #>
    [CmdletBinding()]
    param()
    try {
        $answer = Invoke-Program -Argument 'status', '--json'
        $json = $answer.Line | Where-Object -FilterScript { $_ -like '{*' } | Select-Object -Last 1
        if ($null -eq $json) { return @{ State = 'unknown'; Status = $null; Failure = $answer.Failure } }
        $status = ConvertFrom-Json -InputObject $json
        $state = if ($status.state -eq 'not-running') { 'not-running' } else { 'running' }
        @{ State = $state; Status = $status; Failure = $null }
    }
    catch { @{ State = 'unknown'; Status = $null; Failure = (ConvertTo-Failure -ErrorRecord $_) } }
}
