function Get-MachineKvp {
    <#
    .SYNOPSIS
    Reads the key-value items of a virtual machine from Hyper-V. Returns tables with Pool, Name and Value.
    .PARAMETER Machine
    The machine, as Get-VM returns it.
    .LINK
    https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-kvpexchangecomponent
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)]$Machine)
    # WMI writes GUIDs in upper case.
    $id = ([string]$Machine.Id).ToUpperInvariant()
    $component = Get-CimInstance -Namespace $script:WmiNamespace -ClassName 'Msvm_KvpExchangeComponent' -Filter "SystemName = '$id'" -ErrorAction Stop
    if ($null -eq $component) {
        throw (New-Failure -ErrorId 'MobyVmNotRunning' -Category 'ResourceUnavailable' -Message (
                "Hyper-V has no key-value items of $($Machine.Name): it is not running, or its integration service is off.") -Remedy (
                'Start it with: mobyvm up'))
    }
    $settings = Get-CimAssociatedInstance -InputObject $component -ResultClassName 'Msvm_KvpExchangeComponentSettingData' -ErrorAction Stop
    $pools = [ordered]@{
        host      = @($settings.HostExchangeItems)
        guest     = @($component.GuestExchangeItems)
        intrinsic = @($component.GuestIntrinsicExchangeItems)
    }
    foreach ($pool in @($pools.Keys)) {
        foreach ($text in $pools[$pool]) {
            $item = ConvertFrom-KvpXml -Text ([string]$text)
            if ($null -ne $item) { @{ Pool = $pool; Name = $item.Name; Value = $item.Value } }
        }
    }
}
