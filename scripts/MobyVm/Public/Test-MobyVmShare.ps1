function Test-MobyVmShare {
    <#
    .SYNOPSIS
    Checks the shares of this host with the VM, step by step, and says at which step one fails.

    .DESCRIPTION
    The daemon goes from the folder on this host to a file that the VM reads: folder, server, account, tcp, negotiate, login,
    tree, mount, probe. If the daemon does not run, the steps on this host are checked by Windows' own cmdlets, and the others are
    skipped. The property Source says who checked.

    .PARAMETER Name
    Drive letters or folders, as mobyvm share list names them. All shares by default.

    .EXAMPLE
    Test-MobyVmShare -Name C

    Checks drive C.

    .EXAMPLE
    Test-MobyVmShare | Where-Object -Property Verdict -EQ -Value failed | Format-List

    Shows the steps that fail, and what to do about them.

    .EXAMPLE
    'C', 'D' | Test-MobyVmShare

    Checks two drives.

    .INPUTS
    System.String. Names of shares.

    .OUTPUTS
    MobyVm.ShareCheck

    .LINK
    Get-MobyVmStatus
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.ShareCheck')]
    param(
        [Parameter(Position = 0, ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true)]
        [string[]]$Name
    )
    begin {
        $names = @()
        $isFromPipeline = $MyInvocation.ExpectingInput
    }
    process {
        $names += @($Name | Where-Object -FilterScript { $_ })
    }
    end {
        # A pipeline without objects asks for nothing.
        if ($isFromPipeline -and $names.Count -eq 0) { return }
        try {
            $daemon = Get-DaemonState
            if ($daemon.State -ne 'running') {
                if (-not (Test-WindowsHost)) {
                    throw (New-Failure -ErrorId 'MobyVmNotRunning' -Category 'ResourceUnavailable' -Message 'The daemon does not run.' -Remedy 'Start it with: mobyvm up')
                }
                Get-HostShareCheck -Name $names
                return
            }
            if ($names.Count -eq 0) { $names = @($daemon.Status.shares | Where-Object -FilterScript { $null -ne $_ } | ForEach-Object -Process { $_.name }) }
            foreach ($each in $names) {
                if ($each -like '-*') {
                    Write-Error -ErrorId 'MobyVmNoShare' -Category 'ObjectNotFound' -Message "There is no share $each." -TargetObject $each
                    continue
                }
                $answer = Invoke-Program -Argument 'share', 'check', $each, '--json'
                $json = $answer.Line | Where-Object -FilterScript { $_ -like '{*' } | Select-Object -Last 1
                if ($null -eq $json) {
                    $failure = $answer.Failure
                    Write-Error @failure -TargetObject $each
                    continue
                }
                foreach ($step in @((ConvertFrom-Json -InputObject $json).steps)) {
                    New-Result -TypeName 'ShareCheck' -Property ([ordered]@{ Share = $each; Step = $step.step; Verdict = $step.verdict; Detail = $step.detail; Remedy = $step.remedy; Source = 'daemon' })
                }
            }
        }
        catch {
            $failure = ConvertTo-Failure -ErrorRecord $_
            Write-Error @failure
        }
    }
}
