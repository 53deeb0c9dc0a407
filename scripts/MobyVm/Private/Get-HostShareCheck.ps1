function Get-HostShareCheck {
    <#
    .SYNOPSIS
    Checks mobyvm's SMB shares as far as Windows knows them, without the daemon. Returns objects of the type MobyVm.ShareCheck.
    .PARAMETER Name
    Drive letters or folders, or the names of SMB shares; all of mobyvm's if there are none.
    #>
    [CmdletBinding()]
    param([string[]]$Name = @())
    $check = {
        param([string]$Share, [string]$Step, [string]$Verdict, [string]$Detail, [string]$Remedy)
        New-Result -TypeName 'ShareCheck' -Property ([ordered]@{ Share = $Share; Step = $Step; Verdict = $Verdict; Detail = $Detail; Remedy = $Remedy; Source = 'Windows' })
    }
    $all = @(Get-SmbShare -ErrorAction Stop)
    $shares = @($all | Where-Object -Property Description -Match -Value 'mobyvm:[0-9a-f-]{36}')
    if ($Name.Count -gt 0) {
        $shares = @(foreach ($each in $Name) {
                $path = if ($each -match '^[A-Za-z]:?\\?$') { "$($each.Substring(0, 1)):\" } else { $each }
                $found = @($shares | Where-Object -FilterScript { $_.Name -eq $each -or ([string]$_.Path).TrimEnd('\') -eq $path.TrimEnd('\') })
                if ($found.Count -eq 0) {
                    & $check $each 'server' 'failed' 'Windows has no SMB share of mobyvm for it' 'Start mobyvm: Repair-MobyVm. If it is not shared yet: mobyvm share add'
                }
                $found
            })
        $shares | Where-Object -FilterScript { $_.PSObject.TypeNames -contains 'MobyVm.ShareCheck' }
        $shares = @($shares | Where-Object -FilterScript { $_.PSObject.TypeNames -notcontains 'MobyVm.ShareCheck' })
    }
    if ($shares.Count -eq 0) { return }
    $server = Get-CimInstance -ClassName 'Win32_Service' -Filter "Name = 'LanmanServer'" -ErrorAction Stop
    $rule = try { Get-NetFirewallRule -Group 'mobyvm shares' -ErrorAction Stop }
    catch { if ([string]$_.FullyQualifiedErrorId -notmatch '^CmdletizationQuery_NotFound') { throw } }
    foreach ($share in $shares) {
        $title = [string]$share.Path
        if (Test-Path -LiteralPath $share.Path) { & $check $title 'folder' 'ok' '' '' }
        else { & $check $title 'folder' 'failed' "$($share.Path) does not exist" 'Create it, connect its drive, or: mobyvm share remove' }
        if ([string]$server.State -eq 'Running') { & $check $title 'server' 'ok' "$($share.Name)" '' }
        else { & $check $title 'server' 'failed' 'the service LanmanServer is not running' 'Start-Service -Name LanmanServer' }
        $access = @(Get-SmbShareAccess -Name $share.Name -Confirm:$false -ErrorAction Stop | Where-Object -FilterScript { [string]$_.AccessControlType -eq 'Allow' })
        $names = @($access | ForEach-Object -Process { "$($_.AccountName) ($($_.AccessRight))" }) -join ', '
        if ($access.Count -gt 0) { & $check $title 'account' 'ok' $names '' }
        else { & $check $title 'account' 'failed' 'nobody may use the share' 'Repair-MobyVm' }
        $isOpen = @($rule | Where-Object -FilterScript { $null -ne $_ -and [string]$_.Enabled -eq 'True' }).Count -gt 0
        if ($isOpen) { & $check $title 'tcp' 'ok' 'the firewall rule for shares is on' '' }
        else { & $check $title 'tcp' 'failed' 'the firewall has no rule for shares that is on' 'Repair-MobyVm' }
        & $check $title 'mount' 'skipped' 'the daemon does not run, so the VM was not asked' 'mobyvm up'
    }
}
