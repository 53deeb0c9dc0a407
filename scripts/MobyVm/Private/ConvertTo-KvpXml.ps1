function ConvertTo-KvpXml {
    <#
    .SYNOPSIS
    Writes a key-value item as AddKvpItems takes it. Fails if Hyper-V and the guest cannot carry it.
    .PARAMETER Name
    Its name.
    .PARAMETER Value
    Its value.
    .LINK
    https://learn.microsoft.com/windows/win32/hyperv_v2/addkvpitems-msvm-virtualsystemmanagementservice
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Name, [AllowEmptyString()][string]$Value = '')
    $remedy = 'Shorten it, or encode it, for example with base64.'
    $texts = @(@{ What = 'name'; Text = $Name; Units = 255; Bytes = 511 }, @{ What = 'value'; Text = $Value; Units = 1023; Bytes = 2047 })
    foreach ($each in $texts) {
        $text = $each.Text
        # Bytes of UTF-8: half a surrogate pair has two of its four.
        $bytes = $text.Length + ($text -creplace '[\x00-\x7f]', '').Length + ($text -creplace '[\x00-\u07ff\ud800-\udfff]', '').Length
        $problem = if ($text.Length -gt $each.Units) { "has $($text.Length) UTF-16 units; $($each.Units) fit" }
        elseif ($bytes -gt $each.Bytes) { "has $bytes bytes; $($each.Bytes) fit" }
        elseif ($text -cmatch '[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]') { 'has a control character, which cannot be sent' }
        if ($problem) {
            throw (New-Failure -ErrorId 'MobyVmKvpLimit' -Category 'InvalidArgument' -Message "The $($each.What) of the item $problem." -Remedy $remedy)
        }
    }
    # A bare CR would come back as LF (XML 1.0, 2.11).
    $escaped = @(foreach ($text in $Name, $Value) { $text -creplace '&', '&amp;' -creplace '<', '&lt;' -creplace '>', '&gt;' -creplace '\r', '&#13;' })
    '<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem">' +
    "<PROPERTY NAME=""Data"" TYPE=""string""><VALUE>$($escaped[1])</VALUE></PROPERTY>" +
    "<PROPERTY NAME=""Name"" TYPE=""string""><VALUE>$($escaped[0])</VALUE></PROPERTY>" +
    '<PROPERTY NAME="Source" TYPE="uint16"><VALUE>0</VALUE></PROPERTY></INSTANCE>'
}
