function Get-MobyVmLog {
    <#
    .SYNOPSIS
    Shows mobyvm's log.

    .DESCRIPTION
    Reads the daemon's log files (daemon.log and those before it), whether the daemon runs or not. With -Follow, mobyvm reads them
    and shows new entries as they are written, until Ctrl-C.

    The files are in %ProgramData%\mobyvm\logs, on Linux in /var/log/mobyvm, or where the variable MOBYVM_LOG_DIR says.

    .PARAMETER Tail
    How many entries to show from the end of the log. The default is 50; with -Since it is all of them.

    .PARAMETER Since
    Only entries from this time on.

    .PARAMETER Level
    Only entries of this level and of higher ones: Debug, Info, Warn, Error.

    .PARAMETER Follow
    Shows new entries as they are written, until Ctrl-C.

    .EXAMPLE
    Get-MobyVmLog -Follow

    Shows the last entries, and new ones as they are written.

    .EXAMPLE
    Get-MobyVmLog -Level Warn -Since (Get-Date).AddHours(-1)

    Shows the warnings and errors of the last hour.

    .EXAMPLE
    Get-MobyVmLog -Tail 1000 | Group-Object -Property Event -NoElement

    Counts the last 1000 entries by their event.

    .INPUTS
    None.

    .OUTPUTS
    MobyVm.LogEntry

    .LINK
    Get-MobyVmConsole
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.LogEntry')]
    param(
        [ValidateRange(0, 1000000)]
        [int]$Tail = 50,
        [datetime]$Since,
        [ValidateSet('Debug', 'Info', 'Warn', 'Error')]
        [string]$Level = 'Debug',
        [switch]$Follow
    )
    $levels = @('debug', 'info', 'warn', 'error')
    $wanted = @($levels | Select-Object -Skip ($levels.IndexOf($Level.ToLowerInvariant())))
    $hasSince = $PSBoundParameters.Keys -contains 'Since'
    $isWanted = {
        param($Entry)
        ($null -eq $Entry.Level -or $wanted -contains $Entry.Level) -and (-not $hasSince -or $null -eq $Entry.Time -or $Entry.Time -ge $Since)
    }
    $show = {
        param([string]$Text)
        foreach ($entry in @(ConvertFrom-LogLine -Line $Text)) { if (& $isWanted $entry) { $entry } }
    }
    try {
        if ($Follow) {
            $lines = if ($hasSince -and $PSBoundParameters.Keys -notcontains 'Tail') { 100000 } else { $Tail }
            Invoke-Program -Argument 'logs', '--json', '--follow', '--lines', ([string]$lines) -OnLine $show
            return
        }
        if ($Tail -eq 0) { return }
        $count = if ($hasSince -and $PSBoundParameters.Keys -notcontains 'Tail') { 0 } else { $Tail }
        $pattern = if ($wanted.Count -lt 4) { '"level":"(' + ($wanted -join '|') + ')"' } else { '' }
        foreach ($line in @(Get-LogTail -Path (Get-LogFile -Name 'daemon') -Count $count -Pattern $pattern)) { & $show $line }
    }
    catch {
        $failure = ConvertTo-Failure -ErrorRecord $_
        Write-Error @failure
    }
}
