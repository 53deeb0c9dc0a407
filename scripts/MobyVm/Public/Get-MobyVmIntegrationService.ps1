function Get-MobyVmIntegrationService {
    <#
    .SYNOPSIS
    Shows the integration services of the VM, and whether they are as mobyvm needs them.

    .DESCRIPTION
    Asks Hyper-V, whether the daemon runs or not. Services are recognized by their ids; DisplayName is Hyper-V's name for them in
    the language of this computer.

    .PARAMETER VMId
    The GUIDs of virtual machines. By default all with mobyvm's notes.

    .EXAMPLE
    Get-MobyVmIntegrationService

    Shows the services.

    .EXAMPLE
    Get-MobyVmIntegrationService | Where-Object -Property IsAsNeeded -EQ -Value $false

    Shows those that have to be switched on or off; Repair-MobyVm does it.

    .EXAMPLE
    Get-VM -Name copy | Get-MobyVmIntegrationService

    Shows the services of another virtual machine.

    .INPUTS
    Objects with the property VMId or Id, such as those of Get-VM.

    .OUTPUTS
    MobyVm.IntegrationService

    .LINK
    Repair-MobyVm
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.IntegrationService')]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName = $true)]
        [Alias('Id')]
        [string[]]$VMId
    )
    begin {
        $names = @{
            '2497f4de-e9fa-4204-80e4-4b75c46419c0' = 'TimeSynchronization'
            '84eaae65-2f2e-45f5-9bb5-0e857dc8eb47' = 'Heartbeat'
            '2a34b1c2-fd73-4043-8a5b-dd2159bc743f' = 'KeyValueExchange'
            '9f8233ac-be49-4c79-8ee3-e7e1985b2077' = 'Shutdown'
            '5ced1297-4598-4915-a5fc-ad21bb4d02a4' = 'Backup'
            '6c09bb55-d683-4da0-8931-c9bf705f6480' = 'GuestServiceInterface'
        }
        # mobyvm does not care about Backup.
        $needed = @{ TimeSynchronization = $true; Heartbeat = $true; KeyValueExchange = $true; Shutdown = $true; GuestServiceInterface = $false }
    }
    process {
        try {
            foreach ($machine in @(Find-Machine -VMId $VMId)) {
                foreach ($service in @(Get-VMIntegrationService -VM $machine -ErrorAction Stop)) {
                    # Microsoft:<machine>\<service>
                    $id = (([string]$service.Id -split '\\')[-1]).ToLowerInvariant()
                    $name = $names[$id]
                    $isNeeded = if ($null -ne $name) { $needed[$name] }
                    New-Result -TypeName 'IntegrationService' -Property ([ordered]@{
                            Name        = $name
                            DisplayName = [string]$service.Name
                            Enabled     = [bool]$service.Enabled
                            IsAsNeeded  = $null -eq $isNeeded -or $isNeeded -eq [bool]$service.Enabled
                            Id          = $id
                            VMName      = [string]$machine.Name
                            VMId        = [string]$machine.Id
                            Source      = 'Hyper-V'
                        })
                }
            }
        }
        catch {
            $failure = ConvertTo-Failure -ErrorRecord $_
            Write-Error @failure
        }
    }
}
