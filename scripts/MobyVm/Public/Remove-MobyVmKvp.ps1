function Remove-MobyVmKvp {
    <#
    .SYNOPSIS
    Removes key-value items of the host.

    .DESCRIPTION
    The daemon removes them, or Hyper-V if the daemon does not run. Items whose names begin with "mobyvm." are mobyvm's own, and
    cannot be removed.

    .PARAMETER Name
    Their names, without wildcards.

    .EXAMPLE
    Remove-MobyVmKvp -Name greeting

    Removes an item.

    .EXAMPLE
    Get-MobyVmKvp -Pool Host -Name test-* | Remove-MobyVmKvp -Confirm

    Asks about each item whose name begins with test-, and removes it.

    .INPUTS
    System.String, or objects with the property Name.

    .OUTPUTS
    None.

    .LINK
    Get-MobyVmKvp
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true)]
        [ValidateNotNullOrEmpty()]
        [string[]]$Name
    )
    begin {
        $daemon = Get-DaemonState
    }
    process {
        foreach ($each in $Name) {
            try {
                if ($each -like 'mobyvm.*') {
                    throw (New-Failure -ErrorId 'MobyVmKvpReserved' -Category 'InvalidArgument' -Message "The item $each is mobyvm's own." -Remedy 'Name another one.')
                }
                $machine = $null
                $names = if ($daemon.State -eq 'running') { @(Get-DaemonKvp -Pool 'host' | ForEach-Object -Process { $_.Name }) }
                else {
                    $machine = Find-Machine -One
                    @(Get-MachineKvp -Machine $machine | Where-Object -FilterScript { $_.Pool -eq 'host' } | ForEach-Object -Process { $_.Name })
                }
                if ($names -cnotcontains $each) {
                    throw (New-Failure -ErrorId 'MobyVmKvpNotFound' -Category 'ObjectNotFound' -Message "The host has no item $each." -Remedy 'List them with: Get-MobyVmKvp -Pool Host')
                }
                if (-not (Confirm-Change -Cmdlet $PSCmdlet -Target $each -Action 'Remove key-value item')) { continue }
                if ($null -eq $machine) {
                    if ($each -like '-*') {
                        throw (New-Failure -ErrorId 'MobyVmKvpLimit' -Category 'InvalidArgument' -Message "mobyvm takes $each for an option." -Remedy 'Stop mobyvm and remove it again: Hyper-V takes such names.')
                    }
                    $answer = Invoke-Program -Argument 'kvp', 'remove', $each
                    if ($answer.ExitCode -ne 0) { throw $answer.Failure }
                }
                else { Invoke-KvpMethod -Machine $machine -MethodName 'RemoveKvpItems' -Item (ConvertTo-KvpXml -Name $each) }
            }
            catch {
                $failure = ConvertTo-Failure -ErrorRecord $_
                Write-Error @failure -TargetObject $each
            }
        }
    }
}
