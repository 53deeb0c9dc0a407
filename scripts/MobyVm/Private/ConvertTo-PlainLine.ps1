function ConvertTo-PlainLine {
    <#
    .SYNOPSIS
    Removes control characters, and the sequences by which programs colour text or move the cursor: the guest is not trusted.
    .PARAMETER Text
    A line.
    #>
    [CmdletBinding()]
    param([AllowEmptyString()][string]$Text = '')
    $Text -replace '\x1b\[[0-?]*[ -/]*[@-~]', '' -replace '[\x00-\x08\x0b-\x1f\x7f-\x9f]', ''
}
