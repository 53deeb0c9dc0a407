function Find-Machine {
    <#
    .SYNOPSIS
    Returns mobyvm's virtual machines as Hyper-V has them: by their notes, never by their names.
    .PARAMETER VMId
    Only those with these GUIDs, whatever their notes.
    .PARAMETER One
    There must be exactly one.
    #>
    [CmdletBinding()]
    param([string[]]$VMId = @(), [switch]$One)
    Import-HyperV
    $wanted = @($VMId | Where-Object -FilterScript { $_ })
    $found = @(
        if ($wanted.Count -gt 0) { foreach ($id in $wanted) { Get-VM -Id $id -ErrorAction Stop } }
        else { Get-VM -ErrorAction Stop | Where-Object -Property Notes -Match -Value '(^|\s)mobyvm:[0-9a-f-]{36}(\s|$)' }
    )
    if ($One -and $found.Count -eq 0) {
        throw (New-Failure -ErrorId 'MobyVmNoMachine' -Category 'ObjectNotFound' -Message 'Hyper-V has no virtual machine of mobyvm.' -Remedy (
                'Create it with: mobyvm up'))
    }
    if ($One -and $found.Count -gt 1) {
        $list = @($found | ForEach-Object -Process { "$($_.Name) ($($_.Id))" }) -join ', '
        throw (New-Failure -ErrorId 'MobyVmSeveralMachines' -Category 'InvalidOperation' -Message "Several virtual machines have mobyvm's notes: $list." -Remedy (
                'Name one of them with -VMId. One may be a copy.'))
    }
    $found
}
