function Confirm-Change {
    <#
    .SYNOPSIS
    Tells whether a command may change something: handles -WhatIf and -Confirm.
    .PARAMETER Cmdlet
    The command's $PSCmdlet.
    .PARAMETER Target
    What would be changed.
    .PARAMETER Action
    What would be done with it.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]$Cmdlet,
        [Parameter(Mandatory = $true)][string]$Target,
        [Parameter(Mandatory = $true)][string]$Action
    )
    if ($script:IsFullLanguage) { return $Cmdlet.ShouldProcess($Target, $Action) }
    # Constrained Language Mode does not allow the call above; the variables it depends on are set all the same.
    $operation = "Performing the operation ""$Action"" on target ""$Target""."
    if ($WhatIfPreference) {
        Write-Host -Object "What if: $operation"
        return $false
    }
    if (@('Low', 'Medium') -contains [string]$ConfirmPreference) { return (Read-Host -Prompt "$operation Continue? [y/N]") -match '^\s*y' }
    $true
}
