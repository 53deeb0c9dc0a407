function Get-LogTail {
    <#
    .SYNOPSIS
    Returns the last lines of a log, over all of its files.
    .DESCRIPTION
    Each file is open only while it is read: one that is open cannot be renamed, and mobyvm renames full logs.
    .PARAMETER Path
    The files, the newest first.
    .PARAMETER Count
    The number of lines; 0 for all.
    .PARAMETER Pattern
    Only lines that match this regular expression, case-sensitive.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string[]]$Path, [int]$Count = 0, [string]$Pattern = '')
    $lines = @()
    foreach ($file in $Path) {
        if ($Count -gt 0 -and $lines.Count -ge $Count) { break }
        $part = @(
            if ($Count -gt 0 -and $Pattern -eq '') { Get-Content -LiteralPath $file -Encoding UTF8 -Tail ($Count - $lines.Count) -ErrorAction Stop }
            else { Get-Content -LiteralPath $file -Encoding UTF8 -ErrorAction Stop }
        )
        if ($Pattern -ne '') { $part = @($part -cmatch $Pattern) }
        $lines = $part + $lines
    }
    if ($Count -gt 0) { $lines | Select-Object -Last $Count } else { $lines }
}
