function Import-HyperV {
    <#
    .SYNOPSIS
    Loads the module Hyper-V for the commands of this module.
    .DESCRIPTION
    Other modules have a Get-VM too (VMware PowerCLI). Loaded from here, Hyper-V's is the one that this module finds first.
    #>
    [CmdletBinding()]
    param()
    if (-not (Test-WindowsHost)) {
        throw (New-Failure -ErrorId 'MobyVmNotOnWindows' -Category 'NotImplemented' -Message 'There is no Hyper-V on this computer.' -Remedy (
                'Start mobyvm with: mobyvm up'))
    }
    Import-Module -Name 'Hyper-V' -ErrorAction Stop -Verbose:$false
}
