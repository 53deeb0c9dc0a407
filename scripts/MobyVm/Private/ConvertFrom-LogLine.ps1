function ConvertFrom-LogLine {
    <#
    .SYNOPSIS
    Makes an object of a line of the daemon's log. A line that is not one becomes an object with its text.
    .PARAMETER Line
    The line.
    #>
    [CmdletBinding()]
    param([AllowEmptyString()][string]$Line = '')
    $plain = ConvertTo-PlainLine -Text $Line
    if ($plain.Trim() -eq '') { return }
    $entry = $null
    if ($plain -like '{*') { try { $entry = ConvertFrom-Json -InputObject $plain } catch { $entry = $null } }
    if ($null -eq $entry) {
        return New-Result -TypeName 'LogEntry' -Property ([ordered]@{ Time = $null; Level = $null; Event = $null; Message = $plain; Data = $null; Source = 'file' })
    }
    $data = [ordered]@{}
    foreach ($property in $entry.PSObject.Properties) {
        if (@('time', 'level', 'event') -notcontains $property.Name) { $data[$property.Name] = $property.Value }
    }
    $message = @(foreach ($name in @($data.Keys)) {
            $value = $data[$name]
            $text = if ($value -is [string]) { $value } else { ConvertTo-Json -InputObject $value -Compress -Depth 4 }
            "$name=$text"
        }) -join ' '
    New-Result -TypeName 'LogEntry' -Property ([ordered]@{
            Time    = ConvertTo-LocalTime -Value $entry.time
            Level   = $entry.level
            Event   = $entry.event
            Message = $message
            Data    = New-Object -TypeName PSObject -Property $data
            Source  = 'file'
        })
}
