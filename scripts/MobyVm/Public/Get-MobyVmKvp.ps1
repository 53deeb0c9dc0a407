function Get-MobyVmKvp {
    <#
    .SYNOPSIS
    Lists the items of the key-value exchange between this host and the VM.

    .DESCRIPTION
    There are three pools: what the host set for the guest, what the guest set for the host, and what the guest reports about
    itself (intrinsic). Values of secrets are masked.

    If the daemon does not run, Hyper-V is asked (root/virtualization/v2, Msvm_KvpExchangeComponent). Hyper-V does not know which
    of the host's items are secrets, so all of their values are masked then, unless -ShowValue is given. The property Source says
    who was asked.

    .PARAMETER Name
    Names of the items; wildcards are allowed. All items by default.

    .PARAMETER Pool
    One or several of Host, Guest and Intrinsic. All three by default.

    .PARAMETER VMId
    The GUID of a virtual machine, if Hyper-V is asked and has several with mobyvm's notes.

    .PARAMETER ShowValue
    Shows the values of the host's items even if Hyper-V is asked. Those of mobyvm's own requests, which carry passwords and keys,
    stay masked, and the daemon never shows a secret.

    .EXAMPLE
    Get-MobyVmKvp

    Lists all items.

    .EXAMPLE
    Get-MobyVmKvp -Name NetworkAddressIPv4

    Shows the addresses that the guest reports.

    .EXAMPLE
    'mobyvm.*', 'cifsmount' | Get-MobyVmKvp -Pool Host

    Shows whether the host has set these items.

    .INPUTS
    System.String. Names of items.

    .OUTPUTS
    MobyVm.KvpItem

    .LINK
    Set-MobyVmKvp

    .LINK
    Remove-MobyVmKvp
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.KvpItem')]
    param(
        [Parameter(Position = 0, ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true)]
        [SupportsWildcards()]
        [string[]]$Name = @('*'),
        [ValidateSet('Host', 'Guest', 'Intrinsic')]
        [string[]]$Pool = @('Host', 'Guest', 'Intrinsic'),
        [Parameter(ValueFromPipelineByPropertyName = $true)]
        [string[]]$VMId,
        [switch]$ShowValue
    )
    begin {
        $patterns = @()
        $ids = @()
    }
    process {
        $patterns += $Name
        $ids += @($VMId | Where-Object -FilterScript { $_ })
    }
    end {
        $mask = '***'
        try {
            $daemon = Get-DaemonState
            $items = if ($daemon.State -eq 'running') {
                foreach ($each in $Pool) { Get-DaemonKvp -Pool $each.ToLowerInvariant() }
            }
            else {
                if (-not (Test-WindowsHost)) {
                    throw (New-Failure -ErrorId 'MobyVmNotRunning' -Category 'ResourceUnavailable' -Message 'The daemon does not run.' -Remedy 'Start it with: mobyvm up')
                }
                $machine = Find-Machine -VMId @($ids | Select-Object -Unique) -One
                Get-MachineKvp -Machine $machine | Where-Object -FilterScript { $Pool -contains $_.Pool }
            }
        }
        catch {
            $failure = ConvertTo-Failure -ErrorRecord $_
            Write-Error @failure
            return
        }
        foreach ($item in @($items | Where-Object -FilterScript { $null -ne $_ } | Sort-Object -Property { $_.Pool }, { $_.Name })) {
            if (@($patterns | Where-Object -FilterScript { $item.Name -like $_ }).Count -eq 0) { continue }
            $source = 'daemon'
            if ($null -eq $item.IsSecret) {
                # The headers and the parts of mobyvm's requests to the guest.
                $isRequest = $item.Name -match '^(mobyvm\.(config|time|share\.[A-Za-z0-9_-]{1,64})(#\d{1,2})?|cifsmount)$'
                $item.IsSecret = $item.Pool -eq 'host' -and ($isRequest -or -not $ShowValue)
                if ($item.IsSecret) { $item.Value = $mask }
                $source = 'Hyper-V'
            }
            New-Result -TypeName 'KvpItem' -Property ([ordered]@{
                    Pool     = $item.Pool
                    Name     = $item.Name
                    Value    = ConvertTo-PlainLine -Text $item.Value
                    IsMasked = [bool]$item.IsSecret
                    Source   = $source
                })
        }
    }
}
