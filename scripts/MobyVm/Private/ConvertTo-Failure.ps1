function ConvertTo-Failure {
    <#
    .SYNOPSIS
    Makes the parameters of Write-Error from an error that was caught. Decides on ids and HRESULTs, never on texts.
    .PARAMETER ErrorRecord
    The error, as caught.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)]$ErrorRecord)
    $thrown = $ErrorRecord.TargetObject
    if ($thrown -is [hashtable] -and $thrown['ErrorId'] -like 'MobyVm*') { return $thrown }
    $id = [string]$ErrorRecord.FullyQualifiedErrorId
    $category = [string]$ErrorRecord.CategoryInfo.Category
    $text = ([string]$ErrorRecord.Exception.Message -replace '\s+', ' ').Trim()
    if ($id -match '^(CommandNotFound|CouldNotAutoLoad|Modules_ModuleNotFound|Modules_ModuleWithVersionNotFound)') {
        $name = [string]$ErrorRecord.CategoryInfo.TargetName
        $isHyperV = $name -match '^Hyper-V$|-VM'
        $remedy = if ($isHyperV) {
            'Enable Hyper-V with its PowerShell module in an elevated PowerShell: Enable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -All'
        }
        else { 'It is part of Windows; run this command in a PowerShell of this computer that is not restricted.' }
        return New-Failure -ErrorId 'MobyVmCommandMissing' -Category 'NotInstalled' -Remedy $remedy -Message "This PowerShell does not have $name."
    }
    $codes = @()
    $exception = $ErrorRecord.Exception
    while ($null -ne $exception) {
        $codes += '{0:x8}' -f $exception.HResult
        $exception = $exception.InnerException
    }
    # E_ACCESSDENIED, WBEM_E_ACCESS_DENIED.
    $isDenied = $category -eq 'PermissionDenied' -or $id -match '^(AccessDenied|UnauthorizedAccess)|GetContentReaderUnauthorizedAccess' -or
        $codes -contains '80070005' -or $codes -contains '80041003'
    if ($isDenied) {
        return New-Failure -ErrorId 'MobyVmAccessDenied' -Category 'PermissionDenied' -Message "Access was denied: $text" -Remedy (
            'Run PowerShell as administrator. For Hyper-V, membership in the group Hyper-V Administrators (S-1-5-32-578) is enough.')
    }
    New-Failure -ErrorId 'MobyVmHostFailed' -Category $category -Message "Windows reported an error: $text" -Remedy (
        'Find out more with: mobyvm doctor')
}
