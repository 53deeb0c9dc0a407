function Get-LogFile {
    <#
    .SYNOPSIS
    Returns the paths of a log's files that exist, the newest first.
    .PARAMETER Name
    daemon or console.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][ValidateSet('daemon', 'console')][string]$Name)
    $folder = $env:MOBYVM_LOG_DIR
    if (-not $folder) {
        $folder = if (Test-WindowsHost) { Join-Path -Path (Join-Path -Path $env:ProgramData -ChildPath 'mobyvm') -ChildPath 'logs' }
        else { '/var/log/mobyvm' }
    }
    $names = if ($Name -eq 'daemon') { @('daemon.log', 'daemon1.log', 'daemon2.log') } else { @('console.log', 'console.log.1') }
    $paths = @(foreach ($each in $names) { Join-Path -Path $folder -ChildPath $each })
    $found = @($paths | Where-Object -FilterScript { Test-Path -LiteralPath $_ -ErrorAction Stop })
    if ($found.Count -eq 0) {
        throw (New-Failure -ErrorId 'MobyVmNoLog' -Category 'ObjectNotFound' -Message "There is no $Name log ($($paths[0]))." -Remedy (
                'It is written from the first start of mobyvm on. Other folders are found by the variable MOBYVM_LOG_DIR.'))
    }
    $found
}
