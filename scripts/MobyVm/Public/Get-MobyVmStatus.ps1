function Get-MobyVmStatus {
    <#
    .SYNOPSIS
    Shows the state of mobyvm: its daemon, its VM, its network and the Docker Engine.

    .DESCRIPTION
    Asks the daemon. If the daemon does not run or does not answer, Hyper-V and Windows are asked instead; the property Source
    says which of them the answer comes from:

    daemon    everything
    Hyper-V   the daemon does not run, or cannot be asked: State is what is known of the daemon, VmState is Hyper-V's
    mobyvm    neither the daemon nor Hyper-V could be asked

    There is one object for each virtual machine of mobyvm if the daemon does not run. More than one means that there is a copy.

    .EXAMPLE
    Get-MobyVmStatus

    Shows the state.

    .EXAMPLE
    (Get-MobyVmStatus).EngineReachable

    Returns True if the Docker Engine can be used.

    .EXAMPLE
    Get-MobyVmStatus | Select-Object -ExpandProperty Shares

    Lists the shares with their states.

    .INPUTS
    None.

    .OUTPUTS
    MobyVm.Status

    .LINK
    Repair-MobyVm

    .LINK
    Test-MobyVmNetwork
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.Status')]
    param()
    $daemon = Get-DaemonState
    if ($daemon.State -eq 'running') {
        $status = $daemon.Status
        $problem = if ($null -eq $status.error) { $null } else { "$($status.error.message) ($($status.error.code))" }
        return New-Result -TypeName 'Status' -Property ([ordered]@{
                Source          = 'daemon'
                State           = $status.state
                Since           = ConvertTo-LocalTime -Value $status.since
                Step            = $status.step.title
                Problem         = $problem
                Remedy          = $status.error.remedy
                VmState         = $status.vm.state
                VmName          = $null
                VmId            = $null
                Cpus            = $status.vm.cpus
                MemoryMiB       = $status.vm.memoryMiB
                Switch          = $status.network.name
                Subnet          = $status.network.subnet
                HostAddress     = $status.network.hostAddress
                VmAddress       = $status.network.vmAddress
                EngineReachable = [bool]$status.engine.reachable
                EngineEndpoint  = $status.engine.endpoint
                EngineVersion   = $status.engine.version
                Shares          = @($status.shares | Where-Object -FilterScript { $null -ne $_ })
                ServiceState    = 'Running'
                Version         = $status.daemon.version
                LogFolder       = $status.daemon.logDir
            })
    }
    $source = 'mobyvm'
    $machines = @()
    $service = $null
    $remedy = 'Repair-MobyVm'
    $problem = 'The daemon does not run.'
    if ($null -ne $daemon.Failure) {
        $problem = $daemon.Failure.Message
        $remedy = $daemon.Failure.RecommendedAction
        Write-Warning -Message "The daemon could not be asked: $problem"
    }
    if (Test-WindowsHost) {
        try {
            $machines = @(Find-Machine)
            $source = 'Hyper-V'
            $found = Get-CimInstance -ClassName 'Win32_Service' -Filter "Name = 'mobyvm'" -ErrorAction Stop
            $service = if ($null -eq $found) { 'absent' } else { [string]$found.State }
        }
        catch {
            $failure = ConvertTo-Failure -ErrorRecord $_
            Write-Error @failure
        }
    }
    else { $remedy = 'mobyvm up' }
    if ($machines.Count -gt 1) { Write-Warning -Message "Several virtual machines have mobyvm's notes; all but one are copies." }
    if ($machines.Count -eq 0) { $machines = @($null) }
    foreach ($machine in $machines) {
        $vmState = if ($null -ne $machine) { ([string]$machine.State).ToLowerInvariant() } elseif ($source -eq 'Hyper-V') { 'absent' } else { 'unknown' }
        New-Result -TypeName 'Status' -Property ([ordered]@{
                Source          = $source
                State           = $daemon.State
                Since           = $null
                Step            = $null
                Problem         = $problem
                Remedy          = $remedy
                VmState         = $vmState
                VmName          = $machine.Name
                VmId            = $(if ($null -ne $machine) { [string]$machine.Id })
                Cpus            = $machine.ProcessorCount
                MemoryMiB       = $(if ($null -ne $machine) { [long]($machine.MemoryStartup / 1MB) })
                Switch          = @($machine.NetworkAdapters | Where-Object -FilterScript { $null -ne $_ } | ForEach-Object -Process { $_.SwitchName }) -join ', '
                Subnet          = $null
                HostAddress     = $null
                VmAddress       = $null
                EngineReachable = $false
                EngineEndpoint  = $null
                EngineVersion   = $null
                Shares          = @()
                ServiceState    = $service
                Version         = $null
                LogFolder       = $null
            })
    }
}
