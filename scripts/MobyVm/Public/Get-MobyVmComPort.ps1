function Get-MobyVmComPort {
    <#
    .SYNOPSIS
    Shows the COM ports of the VM. The first one is its console.

    .DESCRIPTION
    Asks Hyper-V, whether the daemon runs or not. The console's pipe is served by Hyper-V while the VM runs, and takes one reader:
    usually the daemon, which writes console.log. Get-MobyVmConsole shows that.

    .PARAMETER VMId
    The GUIDs of virtual machines. By default all with mobyvm's notes.

    .EXAMPLE
    Get-MobyVmComPort

    Shows the ports, and the pipes that they are connected to.

    .EXAMPLE
    Get-VM -Name copy | Get-MobyVmComPort

    Shows the ports of another virtual machine.

    .INPUTS
    Objects with the property VMId or Id, such as those of Get-VM.

    .OUTPUTS
    MobyVm.ComPort

    .LINK
    Get-MobyVmConsole
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.ComPort')]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName = $true)]
        [Alias('Id')]
        [string[]]$VMId
    )
    process {
        try {
            foreach ($machine in @(Find-Machine -VMId $VMId)) {
                foreach ($number in 1, 2) {
                    foreach ($port in @(Get-VMComPort -VM $machine -Number $number -ErrorAction Stop)) {
                        New-Result -TypeName 'ComPort' -Property ([ordered]@{
                                Number      = $number
                                Path        = [string]$port.Path
                                IsConnected = [string]$port.Path -ne ''
                                VMName      = [string]$machine.Name
                                VMId        = [string]$machine.Id
                                Source      = 'Hyper-V'
                            })
                    }
                }
            }
        }
        catch {
            $failure = ConvertTo-Failure -ErrorRecord $_
            Write-Error @failure
        }
    }
}
