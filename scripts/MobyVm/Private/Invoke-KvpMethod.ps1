function Invoke-KvpMethod {
    <#
    .SYNOPSIS
    Has Hyper-V add, modify or remove a key-value item of the host, and waits until that is done.
    .PARAMETER Machine
    The machine, as Get-VM returns it.
    .PARAMETER MethodName
    AddKvpItems, ModifyKvpItems or RemoveKvpItems.
    .PARAMETER Item
    The item, as ConvertTo-KvpXml writes it.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]$Machine,
        [Parameter(Mandatory = $true)][string]$MethodName,
        [Parameter(Mandatory = $true)][string]$Item
    )
    $id = ([string]$Machine.Id).ToUpperInvariant()
    $system = Get-CimInstance -Namespace $script:WmiNamespace -ClassName 'Msvm_ComputerSystem' -Filter "Name = '$id'" -ErrorAction Stop
    $service = Get-CimInstance -Namespace $script:WmiNamespace -ClassName 'Msvm_VirtualSystemManagementService' -ErrorAction Stop
    $answer = Invoke-CimMethod -InputObject $service -MethodName $MethodName -Arguments @{ TargetSystem = $system; DataItems = @($Item) } -Confirm:$false -WhatIf:$false -ErrorAction Stop
    if ($answer.ReturnValue -eq 0) { return }
    $detail = "it returned $($answer.ReturnValue)"
    # 4096: a job was started. It waits for the guest, which has 60 seconds.
    if ($answer.ReturnValue -eq 4096) {
        $job = $null
        foreach ($attempt in 1..300) {
            $job = Get-CimInstance -Namespace $script:WmiNamespace -ClassName 'Msvm_ConcreteJob' -Filter "InstanceID = '$($answer.Job.InstanceID)'" -ErrorAction Stop
            if ($null -eq $job -or $job.JobState -ge 7) { break }
            Start-Sleep -Milliseconds 200
        }
        if ($job.JobState -eq 7) { return }
        $detail = "its job ended in state $($job.JobState) with error $($job.ErrorCode)"
    }
    throw (New-Failure -ErrorId 'MobyVmKvpFailed' -Category 'InvalidResult' -Message "Hyper-V's $MethodName failed: $detail." -Remedy (
            "The guest's key-value service may not be running yet. See: Get-MobyVmIntegrationService, Get-MobyVmConsole"))
}
