function ConvertTo-NativeArgument {
    <#
    .SYNOPSIS
    Quotes an argument for a program the way its C runtime takes it apart.
    .DESCRIPTION
    Windows PowerShell drops empty arguments and does not escape quotation marks. Invoke-Program makes later versions do the
    same, so that there is one form for all of them.
    .PARAMETER Text
    The argument.
    .LINK
    https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][AllowEmptyString()][string]$Text)
    if ($Text -ne '' -and $Text -notmatch '[\s"]') { return $Text }
    $escaped = $Text -replace '(\\*)"', '$1$1\"' -replace '(\\+)$', '$1$1'
    """$escaped"""
}
