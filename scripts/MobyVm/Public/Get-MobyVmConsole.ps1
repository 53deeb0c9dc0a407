function Get-MobyVmConsole {
    <#
    .SYNOPSIS
    Shows what the VM has printed on its console: its boot messages and those of its kernel.

    .DESCRIPTION
    Reads console.log, which the daemon writes, whether the daemon runs or not. Control characters are removed. With -Follow,
    mobyvm shows new lines as they are printed, until Ctrl-C.

    .PARAMETER Tail
    How many lines to show from the end. The default is 50.

    .PARAMETER Follow
    Shows new lines as they are printed, until Ctrl-C.

    .EXAMPLE
    Get-MobyVmConsole -Follow

    Watches the VM boot.

    .EXAMPLE
    Get-MobyVmConsole -Tail 1000 | Where-Object -Property Text -Match -Value 'panic|Out of memory'

    Searches the last lines for a crash of the kernel.

    .INPUTS
    None.

    .OUTPUTS
    MobyVm.ConsoleLine

    .LINK
    Get-MobyVmLog
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.ConsoleLine')]
    param(
        [ValidateRange(0, 1000000)]
        [int]$Tail = 50,
        [switch]$Follow
    )
    $show = {
        param([string]$Text)
        New-Result -TypeName 'ConsoleLine' -Property ([ordered]@{ Text = (ConvertTo-PlainLine -Text $Text); Source = 'file' })
    }
    try {
        if ($Follow) {
            Invoke-Program -Argument 'console', '--follow', '--lines', ([string]$Tail) -OnLine $show
            return
        }
        if ($Tail -eq 0) { return }
        foreach ($line in @(Get-LogTail -Path (Get-LogFile -Name 'console') -Count $Tail)) { & $show $line }
    }
    catch {
        $failure = ConvertTo-Failure -ErrorRecord $_
        Write-Error @failure
    }
}
