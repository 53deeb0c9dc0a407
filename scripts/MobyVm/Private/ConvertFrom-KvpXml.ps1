function ConvertFrom-KvpXml {
    <#
    .SYNOPSIS
    Reads a key-value item as WMI writes it: an INSTANCE of Msvm_KvpExchangeDataItem. Returns nothing for anything else.
    .DESCRIPTION
    Some of it was written by the guest, which is not trusted: no declarations, no entities but XML's own, bounded length.
    .PARAMETER Text
    The item.
    .LINK
    https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-kvpexchangedataitem
    #>
    [CmdletBinding()]
    param([AllowEmptyString()][string]$Text = '')
    if ($Text.Length -gt 65536 -or $Text -match '<[!?]') { return }
    try { $xml = [xml]$Text } catch { return }
    $name = ''
    $value = ''
    foreach ($property in $xml.INSTANCE.PROPERTY) {
        if ($property.NAME -eq 'Name') { $name = [string]$property.VALUE }
        if ($property.NAME -eq 'Data') { $value = [string]$property.VALUE }
    }
    if ($name -ne '') { @{ Name = $name; Value = $value } }
}
