function Enter-MobyVmShell {
    <#
    .SYNOPSIS
    Opens a root shell in the VM, or runs a command there.

    .DESCRIPTION
    Starts mobyvm shell in this console. The shell runs in the VM itself, not in a container: it sees the mounts, processes and
    network of the VM. It needs a running VM, but no image and no network. Exit or Ctrl-D leaves it. With a command, what that
    prints can be used in a pipeline. The exit code of the shell or command is in $LASTEXITCODE.

    .PARAMETER Command
    A program of the VM and its arguments, instead of a shell.

    .EXAMPLE
    Enter-MobyVmShell

    Opens a shell.

    .EXAMPLE
    Enter-MobyVmShell -Command 'df', '-h', '/var/lib/docker'

    Shows how full the data disk is.

    .EXAMPLE
    Enter-MobyVmShell 'dmesg' | Select-String -Pattern 'Out of memory'

    Searches what the kernel of the VM has reported.

    .INPUTS
    None.

    .OUTPUTS
    System.String

    .LINK
    Get-MobyVmConsole
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Position = 0)]
        [ValidateNotNullOrEmpty()]
        [string[]]$Command
    )
    try {
        $daemon = Get-DaemonState
        if ($daemon.State -eq 'unknown') { throw $daemon.Failure }
        if ($daemon.State -ne 'running' -or $daemon.Status.state -ne 'running') {
            throw (New-Failure -ErrorId 'MobyVmNotRunning' -Category 'ResourceUnavailable' -Message 'The VM is not running.' -Remedy (
                    'Start it with: mobyvm up. If it does not start, see what it prints: Get-MobyVmConsole'))
        }
        $words = @('shell')
        if ($null -ne $Command) { $words += @('--') + $Command }
        Invoke-Program -Argument $words -Interactive
    }
    catch {
        $failure = ConvertTo-Failure -ErrorRecord $_
        Write-Error @failure
    }
}
