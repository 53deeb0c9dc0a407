function Test-WindowsHost {
    <#
    .SYNOPSIS
    Tells whether this computer runs Windows. ($IsWindows does not exist in Windows PowerShell.)
    #>
    [CmdletBinding()]
    param()
    $env:OS -eq 'Windows_NT'
}
