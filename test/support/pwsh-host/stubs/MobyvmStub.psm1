# What every stub of a Windows cmdlet does once PowerShell has bound its parameters: it asks the simulated host, over the unix
# socket that MOBYVM_STUB_SOCKET names, and gives what that answers. One line of JSON each way.

$script:Stream = $null

function Get-MobyvmStream {
    if ($null -eq $script:Stream) {
        $socket = [System.Net.Sockets.Socket]::new('Unix', 'Stream', 'Unspecified')
        $socket.Connect([System.Net.Sockets.UnixDomainSocketEndPoint]::new($env:MOBYVM_STUB_SOCKET))
        $network = [System.Net.Sockets.NetworkStream]::new($socket, $true)
        $utf8 = [System.Text.UTF8Encoding]::new($false)
        $script:Stream = @{
            Reader = [System.IO.StreamReader]::new($network, $utf8)
            Writer = [System.IO.StreamWriter]::new($network, $utf8)
        }
    }
    $script:Stream
}

# As JSON has it: an object becomes its properties, a GUID or an enum its text.
function ConvertTo-MobyvmPlain {
    param($Value)
    if ($null -eq $Value) { return $null }
    if ($Value -is [switch]) { return [bool]$Value }
    if ($Value -is [bool] -or $Value -is [string]) { return $Value }
    if ($Value -is [enum] -or $Value -is [guid] -or $Value -is [timespan]) { return [string]$Value }
    if ($Value -is [datetime]) { return $Value.ToUniversalTime().ToString('o') }
    if ($Value -is [securestring]) { return [System.Net.NetworkCredential]::new('', $Value).Password }
    if ($Value -is [System.Collections.IDictionary]) {
        $table = @{}
        foreach ($key in $Value.Keys) { $table[[string]$key] = ConvertTo-MobyvmPlain -Value $Value[$key] }
        return $table
    }
    if ($Value -is [System.Collections.IEnumerable]) {
        return , @(foreach ($each in $Value) { ConvertTo-MobyvmPlain -Value $each })
    }
    if ($Value -is [System.Management.Automation.PSCustomObject]) {
        $table = @{}
        foreach ($property in $Value.PSObject.Properties) {
            $table[$property.Name] = ConvertTo-MobyvmPlain -Value $property.Value
        }
        return $table
    }
    $Value
}

function ConvertFrom-MobyvmJson {
    param([System.Text.Json.JsonElement]$Element)
    switch ([string]$Element.ValueKind) {
        'Object' {
            $table = [ordered]@{}
            foreach ($property in $Element.EnumerateObject()) {
                $table[$property.Name] = ConvertFrom-MobyvmJson -Element $property.Value
            }
            return [pscustomobject]$table
        }
        'Array' { return , @(foreach ($each in $Element.EnumerateArray()) { ConvertFrom-MobyvmJson -Element $each }) }
        'String' { return $Element.GetString() }
        'Number' {
            $whole = [long]0
            if ($Element.TryGetInt64([ref]$whole)) { return $whole }
            return $Element.GetDouble()
        }
        'True' { return $true }
        'False' { return $false }
        default { return $null }
    }
}

function New-MobyvmErrorRecord {
    param($Failure)
    $exception = [System.Management.Automation.RuntimeException]::new($Failure.message)
    if ($Failure.hresult -ne 0) { $exception.HResult = [System.BitConverter]::ToInt32([System.BitConverter]::GetBytes([uint32]$Failure.hresult), 0) }
    [System.Management.Automation.ErrorRecord]::new($exception, $Failure.errorId, $Failure.category, $null)
}

function Invoke-MobyvmStub {
    param($Cmdlet, $Bound, [string[]]$Classes)
    $parameters = @{}
    foreach ($name in $Bound.Keys) {
        if ($name -notin 'ErrorAction', 'Confirm') { $parameters[$name] = ConvertTo-MobyvmPlain -Value $Bound[$name] }
    }
    $stream = Get-MobyvmStream
    $call = @{ command = $Cmdlet.MyInvocation.MyCommand.Name; parameters = $parameters }
    $stream.Writer.WriteLine((ConvertTo-Json -InputObject $call -Compress -Depth 8))
    $stream.Writer.Flush()
    $answer = ConvertFrom-MobyvmJson -Element ([System.Text.Json.JsonDocument]::Parse($stream.Reader.ReadLine()).RootElement)
    switch ($answer.kind) {
        'failure' { $Cmdlet.WriteError((New-MobyvmErrorRecord -Failure $answer.failure)) }
        'exit' { [System.Environment]::Exit(3) }
        'rows' {
            if ($answer.prints.stdout) { [System.Console]::Out.Write($answer.prints.stdout) }
            if ($answer.prints.stderr) { [System.Console]::Error.Write($answer.prints.stderr) }
            foreach ($row in $answer.rows) {
                foreach ($class in $Classes) { $row.PSObject.TypeNames.Add($class) }
                $row
            }
        }
    }
}

Export-ModuleMember -Function Invoke-MobyvmStub
