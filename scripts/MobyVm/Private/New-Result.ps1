function New-Result {
    <#
    .SYNOPSIS
    Makes an object of one of the module's types.
    .PARAMETER TypeName
    Its type, without the prefix "MobyVm.".
    .PARAMETER Property
    Its properties, as an ordered table.
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$TypeName, [Parameter(Mandatory = $true)]$Property)
    # Constrained Language Mode has no [pscustomobject].
    $result = New-Object -TypeName PSObject -Property $Property
    Add-Member -InputObject $result -TypeName "MobyVm.$TypeName"
    $result
}
