function New-Failure {
    <#
    .SYNOPSIS
    Makes the parameters of Write-Error for one error. They can be thrown, too: see ConvertTo-Failure.
    .PARAMETER ErrorId
    What scripts recognize the error by.
    .PARAMETER Message
    What happened, as a sentence.
    .PARAMETER Remedy
    What to do about it, as a sentence.
    .PARAMETER Category
    The error's category.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][string]$ErrorId,
        [Parameter(Mandatory = $true)][string]$Message,
        [string]$Remedy = '',
        [string]$Category = 'NotSpecified'
    )
    # Windows PowerShell does not show the recommended action.
    $text = if ($PSVersionTable.PSEdition -eq 'Core') { $Message } else { "$Message $Remedy".Trim() }
    @{ ErrorId = $ErrorId; Message = $text; Category = $Category; RecommendedAction = $Remedy }
}
