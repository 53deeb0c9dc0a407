<#
.SYNOPSIS
Checks on a real Windows machine what mobyvm assumes about Windows, and writes a report to attach to an issue.

.DESCRIPTION
mobyvm is built and tested without a Windows machine: PowerShell's own engine checks its commands, and a simulated host
tests its decisions. This script tries them on a real one. Without -Change it only reads. With -Change it creates an internal
switch, an address, a NAT network, a firewall rule, a folder, a disk and a virtual machine, all named mobyvm-verify-*, and removes
them again.

Of an installed mobyvm it reads the service, the named pipes, and who may use its files. It opens a connection to the pipes of
mobyvm and closes it at once. It does not read the files.

The report contains no user names, no passwords, and no addresses other than those that the script creates. Accounts are shown
only if every Windows has them (S-1-5-18, BA); the others are "other account", and mobyvm's group is "docker-users".

.PARAMETER Change
Creates and removes objects the way mobyvm does. Needs an elevated terminal. Existing virtual machines and networks are not
changed.

.PARAMETER Path
File to write the report to. The default is mobyvm-verify.json in the current folder.

.EXAMPLE
powershell -NoProfile -ExecutionPolicy Bypass -File scripts\verify-windows.ps1

Only reads.

.EXAMPLE
powershell -NoProfile -ExecutionPolicy Bypass -File scripts\verify-windows.ps1 -Change

Runs every check, from an elevated terminal.

.LINK
docs/verified.md
#>
[CmdletBinding()]
param(
    [switch]$Change,
    [string]$Path = 'mobyvm-verify.json'
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$ConfirmPreference = 'None'
$ProgressPreference = 'SilentlyContinue'

$script:Results = @()
$Namespace = 'root/virtualization/v2'
$Prefix = 'mobyvm-verify'
$Inconclusive = '^(CommandNotFound|CouldNotAutoLoad|AccessDenied|UnauthorizedAccess|ParameterBinding|ParameterArgument|CannotConvertArgument|PositionalParameter|MissingArgument|InputObjectNotBound|PropertyNotFound|NamedParameter|AmbiguousParameter|MissingMandatory)'
$NoSuchId = '00000000-0000-4000-8000-000000000000'
$Product = 'mobyvm'
$PipeNames = @('mobyvm_engine', 'mobyvm_control', 'docker_engine')
# Names that are known are asked for; a list of a folder could have others.
$DataFiles = @('settings.json') + @(
    foreach ($file in 'token', 'tls\ca-key.pem', 'tls\server-key.pem', 'tls\client-key.pem', 'shares.json', 'credentials.json', 'kvp-items.json', 'dashboard.json', 'machine.json', 'ledger.json', 'guest.json', 'vm\data.vhdx') { "state\$file" }
)
# Everyone, owners, SYSTEM and its like, the built-in groups, services, virtual machines, programs from the Store, integrity levels.
$PublicSid = '^S-1-(0-0|1-0|2-[01]|3-\d|5-\d{1,4}|5-32-\d+|5-80-[\d-]+|5-83-[\d-]+|15-[23]-[\d-]+|16-\d+)$'
# Of mobyvm, as the first checks find it; $null before that, or if it can't be read.
$script:Service = $null
$script:Pipes = $null
$script:EngineGroup = ''

function Get-ErrorFact {
    <#
    .SYNOPSIS
    Returns what mobyvm's decisions are based on: an error's id, category and HRESULTs.
    .PARAMETER ErrorRecord
    The error, as caught.
    #>
    param([Parameter(Mandatory = $true)]$ErrorRecord)
    $codes = @()
    $exception = $ErrorRecord.Exception
    $command = if ($null -eq $ErrorRecord.InvocationInfo.MyCommand) { '' } else { $ErrorRecord.InvocationInfo.MyCommand.Name }
    while ($null -ne $exception) {
        $codes += '0x{0:x8}' -f $exception.HResult
        $exception = $exception.InnerException
    }
    @{
        errorId  = [string]$ErrorRecord.FullyQualifiedErrorId
        category = [string]$ErrorRecord.CategoryInfo.Category
        hresults = $codes
        command  = [string]$command
        message  = [string]$ErrorRecord.Exception.Message
    }
}

function Get-SystemProgram {
    <#
    .SYNOPSIS
    Returns the path of a program of Windows: others of that name may come first in the search path.
    .PARAMETER Name
    The program's name.
    #>
    param([Parameter(Mandatory = $true)][string]$Name)
    Join-Path -Path (Join-Path -Path $env:SystemRoot -ChildPath 'System32') -ChildPath "$Name.exe"
}

function Test-Elevated {
    <#
    .SYNOPSIS
    Tells whether this PowerShell is elevated: whether its integrity level is high or system.
    #>
    param()
    $groups = @(& (Get-SystemProgram -Name 'whoami') /groups)
    @($groups -match 'S-1-16-(12288|16384)').Count -gt 0
}

function Get-Obstacle {
    <#
    .SYNOPSIS
    Returns why -Change can't run here, or nothing if it can.
    #>
    param()
    if (-not (Test-Elevated)) { return '-Change needs an elevated terminal ("Run as administrator").' }
    try { Import-Module -Name Hyper-V }
    catch { return "The PowerShell module Hyper-V can't be loaded: $($_.Exception.Message)" }
    $service = Get-CimInstance -ClassName Win32_Service -Filter "Name = 'vmms'"
    if ($null -eq $service) { return 'Hyper-V is not installed: the service vmms does not exist.' }
    if ([string]$service.State -ne 'Running') { return "Hyper-V's service vmms is not running. Start it with: Start-Service vmms" }
}

function ConvertTo-Unit {
    <#
    .SYNOPSIS
    Returns text the way mobyvm's PowerShell sessions do: unchanged if it is ASCII, otherwise as a list of UTF-16 code units.
    .PARAMETER Text
    The text.
    #>
    param([Parameter(Mandatory = $true)][string]$Text)
    if ($Text -cmatch '[^ -~]') { , [int[]][char[]]$Text } else { $Text }
}

function Remove-WithRetry {
    <#
    .SYNOPSIS
    Removes a file or folder that Hyper-V may keep open for a moment.
    .PARAMETER Path
    The file or folder.
    #>
    param([Parameter(Mandatory = $true)][string]$Path)
    foreach ($try in 1..20) {
        try {
            Remove-Item -LiteralPath $Path -Recurse -Force
            break
        }
        catch {
            if ($try -eq 20) { throw }
            Start-Sleep -Milliseconds 250
        }
    }
}

function Add-Result {
    <#
    .SYNOPSIS
    Runs one check and records its result.
    .PARAMETER Name
    The name of the check in the report.
    .PARAMETER Check
    Returns the value for the report.
    .PARAMETER FailsIn
    The cmdlet that is expected to fail; the report records its error. Errors that say nothing about the check, such as a missing cmdlet, are reported as UNEXPECTED.
    .PARAMETER MayBeDenied
    "Access denied" is also an expected error.
    #>
    param(
        [Parameter(Mandatory = $true)][string]$Name,
        [Parameter(Mandatory = $true)][scriptblock]$Check,
        [string]$FailsIn = '',
        [switch]$MayBeDenied
    )
    $result = @{ name = $Name; verdict = 'ok' }
    try {
        $result['value'] = @(& $Check)
        if ($FailsIn -ne '') { $result['verdict'] = 'UNEXPECTED' }
    }
    catch {
        $result['error'] = Get-ErrorFact -ErrorRecord $_
        $failure = $result['error']
        if ($FailsIn -eq '') { $result['verdict'] = 'FAILED' }
        elseif ($failure['command'] -ne $FailsIn) { $result['verdict'] = 'UNEXPECTED' }
        elseif ($failure['errorId'] -match $Inconclusive -and -not ($MayBeDenied -and $failure['errorId'] -match '^AccessDenied')) { $result['verdict'] = 'UNEXPECTED' }
    }
    $script:Results += $result
    Write-Output -InputObject ('{0,-10} {1}' -f $result['verdict'], $Name)
}

function Test-Reading {
    <#
    .SYNOPSIS
    Runs the checks that only read.
    #>
    param()
    Add-Result -Name 'PowerShell' -Check {
        @{
            version  = [string]$PSVersionTable.PSVersion
            edition  = [string]$PSVersionTable.PSEdition
            language = [string]$ExecutionContext.SessionState.LanguageMode
            culture  = [string]$Host.CurrentUICulture
            policy   = [string](Get-ExecutionPolicy)
            elevated = Test-Elevated
        }
    }
    # Other modules have a Get-VM too (VMware PowerCLI): the module that is loaded first wins.
    Add-Result -Name 'module Hyper-V' -Check { Import-Module -Name Hyper-V }
    Add-Result -Name 'Windows' -Check {
        $system = Get-CimInstance -ClassName Win32_OperatingSystem
        @{ caption = $system.Caption; build = $system.BuildNumber; sku = [int]$system.OperatingSystemSKU }
    }
    Add-Result -Name 'hypervisor' -Check {
        $computer = Get-CimInstance -ClassName Win32_ComputerSystem
        $processor = @(Get-CimInstance -ClassName Win32_Processor)[0]
        @{
            present  = $computer.HypervisorPresent
            firmware = $processor.VirtualizationFirmwareEnabled
            slat     = $processor.SecondLevelAddressTranslationExtensions
        }
    }
    Add-Result -Name 'feature Microsoft-Hyper-V' -Check {
        [string](Get-WindowsOptionalFeature -Online -FeatureName 'Microsoft-Hyper-V').State
    }
    Add-Result -Name 'service vmms' -Check {
        $service = Get-Service -Name vmms
        @{ status = [string]$service.Status; startType = [string]$service.StartType }
    }
    Add-Result -Name 'management service in WMI' -Check {
        [string](Get-CimInstance -Namespace $Namespace -ClassName Msvm_VirtualSystemManagementService).CreationClassName
    }
    Add-Result -Name 'JSON of lists, empty lists and null' -Check {
        $umlauts = "$([char]228)$([char]246)"
        $texts = @(foreach ($text in 'a', $umlauts) { , (ConvertTo-Unit -Text $text) })
        $row = @{ text = (ConvertTo-Unit -Text $umlauts); texts = $texts; one = @(foreach ($number in @(1)) { $number }) }
        $sample = @{ rows = @($row); none = @(foreach ($text in @()) { $text }); nothing = $null }
        ConvertTo-Json -InputObject $sample -Compress -Depth 6
    }
    Add-Result -Name 'text of enums and booleans of CIM classes' -Check {
        $interface = @(Get-NetIPInterface -AddressFamily IPv4)[0]
        $rule = @(Get-NetFirewallRule)[0]
        @{ dhcp = [string]$interface.Dhcp; enabled = [string]$rule.Enabled; action = [string]$rule.Action }
    }
    Add-Result -Name 'text sealed with a SecureString as its key, both ways' -Check {
        $key = [System.Security.SecureString]::new()
        foreach ($unit in 1..16) { $key.AppendChar([char]($unit * 4000)) }
        $secure = [System.Security.SecureString]::new()
        foreach ($unit in [char[]]'sealed') { $secure.AppendChar($unit) }
        $sealed = ConvertFrom-SecureString -SecureString $secure -SecureKey $key
        $opened = ConvertTo-SecureString -String $sealed -SecureKey $key
        @{ begins = $sealed.Substring(0, 32); length = $opened.Length }
    }
    Add-Result -Name 'listeners on port 53' -Check {
        $services = @(Get-CimInstance -ClassName Win32_Service)
        Get-NetUDPEndpoint | Where-Object -Property LocalPort -EQ -Value 53 | ForEach-Object -Process {
            $owner = $_.OwningProcess
            @{
                everywhere = @('0.0.0.0', '::') -contains [string]$_.LocalAddress
                services   = @($services | Where-Object -Property ProcessId -EQ -Value $owner | ForEach-Object -Process { $_.Name })
            }
        }
    }
    Add-Result -Name 'a machine that does not exist' -FailsIn 'Get-VM' -Check { Get-VM -Id $NoSuchId }
    Add-Result -Name 'a switch that does not exist' -FailsIn 'Get-VMSwitch' -Check { Get-VMSwitch -Id $NoSuchId }
    Add-Result -Name 'a disk that does not exist' -FailsIn 'Get-VHD' -Check { Get-VHD -Path 'C:\mobyvm-verify-no-such.vhdx' }
    Add-Result -Name 'a firewall rule group that does not exist' -FailsIn 'Get-NetFirewallRule' -Check {
        Get-NetFirewallRule -Group 'mobyvm-verify-no-such'
    }
    Add-Result -Name 'NAT networks' -Check { @(Get-NetNat).Count }
}

function Get-State {
    <#
    .SYNOPSIS
    Returns whether mobyvm is running, not running or not installed, as far as the first checks have found it.
    #>
    param()
    $running = $null -ne $script:Service -and [string]$script:Service.State -eq 'Running'
    if ($running -or @($script:Pipes) -contains 'mobyvm_control') { 'running' }
    elseif ($null -ne $script:Service) { 'not running' }
    else { 'not installed' }
}

function ConvertTo-Anonymous {
    <#
    .SYNOPSIS
    Returns an access list in SDDL without the accounts of this computer and its domain.
    .PARAMETER Sddl
    The access list.
    #>
    param([Parameter(Mandatory = $true)][string]$Sddl)
    $parts = @(foreach ($part in $Sddl -split '(S-1-[0-9-]+)') {
            if ($part -notmatch '^S-1-' -or $part -match $PublicSid) { $part }
            elseif ($part -eq $script:EngineGroup) { 'docker-users' }
            else { 'other account' }
        })
    $parts -join ''
}

function Get-QuietError {
    <#
    .SYNOPSIS
    Returns what Get-ErrorFact does, without the text: it may have a path in it, and with that a user's name.
    .PARAMETER ErrorRecord
    The error, as caught.
    #>
    param([Parameter(Mandatory = $true)]$ErrorRecord)
    $fact = Get-ErrorFact -ErrorRecord $ErrorRecord
    $fact['message'] = ''
    $fact
}

function ConvertTo-AccessFact {
    <#
    .SYNOPSIS
    Returns the owner and the access list, and whether it is protected from what the folder above has.
    .PARAMETER Sddl
    Owner and access list in SDDL.
    #>
    param([Parameter(Mandatory = $true)][string]$Sddl)
    $text = ConvertTo-Anonymous -Sddl $Sddl
    @{
        owner     = $(if ($text -cmatch '^O:(.+?)([GDS]:|$)') { $Matches[1] } else { '' })
        protected = $text -cmatch 'D:(AR|AI)*P'
        sddl      = $text
    }
}

function Get-AccessFact {
    <#
    .SYNOPSIS
    Returns who may use a file, folder or pipe, or why that can't be read.
    .PARAMETER Path
    Its path.
    #>
    param([Parameter(Mandatory = $true)][string]$Path)
    try { ConvertTo-AccessFact -Sddl ([string](Get-Acl -LiteralPath $Path).Sddl) }
    catch { @{ error = Get-QuietError -ErrorRecord $_ } }
}

function Get-ItemFact {
    <#
    .SYNOPSIS
    Returns what is at a path, and who may use it. A link is reported as such. What is in a file is not read.
    .PARAMETER Path
    The path.
    #>
    param([Parameter(Mandatory = $true)][string]$Path)
    try { $item = Get-Item -LiteralPath $Path -Force }
    catch {
        $failure = Get-QuietError -ErrorRecord $_
        # Windows says this of files in a folder that may not be entered, too.
        if ($failure['category'] -eq 'ObjectNotFound') { return @{ found = $false } }
        return @{ found = $false; error = $failure }
    }
    @{
        found  = $true
        folder = [bool]$item.PSIsContainer
        link   = [string]$item.Attributes -match 'ReparsePoint'
        access = Get-AccessFact -Path $Path
    }
}

function Get-PipeFact {
    <#
    .SYNOPSIS
    Connects to a pipe of mobyvm as its clients do, to read and write, and closes the connection at once.
    .PARAMETER Name
    The pipe's name.
    #>
    param([Parameter(Mandatory = $true)][string]$Name)
    $client = $null
    try {
        $client = [System.IO.Pipes.NamedPipeClientStream]::new('.', $Name)
        $client.Connect(2000)
        $fact = @{ connected = $true }
        # It is reported that Get-Acl can't read some pipes; PowerShell 7 can't read this.
        try { $fact['access'] = ConvertTo-AccessFact -Sddl $client.GetAccessControl().GetSecurityDescriptorSddlForm('Owner, Access') }
        catch { $fact['access'] = @{ error = Get-QuietError -ErrorRecord $_ } }
        $fact
    }
    catch { @{ connected = $false; error = Get-QuietError -ErrorRecord $_ } }
    finally { if ($null -ne $client) { $client.Dispose() } }
}

function Get-RegistryKey {
    <#
    .SYNOPSIS
    Returns the values of a key of the registry, or nothing if there is no such key.
    .PARAMETER Path
    The key's path.
    #>
    param([Parameter(Mandatory = $true)][string]$Path)
    try { Get-ItemProperty -LiteralPath $Path }
    catch { if ([string]$_.CategoryInfo.Category -ne 'ObjectNotFound') { throw } }
}

function Test-Service {
    <#
    .SYNOPSIS
    Runs the checks of mobyvm's service. They only read.
    #>
    param()
    Add-Result -Name 'service mobyvm' -Check {
        $script:Service = Get-CimInstance -ClassName Win32_Service -Filter "Name = '$Product'"
        if ($null -eq $script:Service) { return 'not installed' }
        $account = [string]$script:Service.StartName
        @{
            state     = [string]$script:Service.State
            startMode = [string]$script:Service.StartMode
            account   = $(if ($account -match '^(LocalSystem$|NT (AUTHORITY|SERVICE)\\)') { $account } else { 'other account' })
            quoted    = [string]$script:Service.PathName -match '^"'
        }
    }
    Add-Result -Name 'recovery, time at shutdown and dependencies of the service' -Check {
        if ($null -eq $script:Service) { return 'not installed' }
        # The words are in the language of Windows: seconds until the count starts again, then milliseconds before each action.
        $lines = @(& (Get-SystemProgram -Name 'sc') qfailure $Product)
        if ($LASTEXITCODE -ne 0) { throw "sc.exe failed with exit code $LASTEXITCODE." }
        $numbers = @(foreach ($line in $lines) { if ($line -match '[:=]\s*(\d+)') { [long]$Matches[1] } })
        # sc.exe does not show the time at shutdown, and its words for the rest differ. Values that are not set are $null.
        Set-StrictMode -Off
        $key = Get-RegistryKey -Path "HKLM:\SYSTEM\CurrentControlSet\Services\$Product"
        @{
            recovery       = $numbers
            afterExitCodes = $key.FailureActionsOnNonCrashFailures
            preshutdownMs  = $key.PreshutdownTimeout
            delayedStart   = $key.DelayedAutostart
            dependencies   = @(foreach ($each in $key.DependOnService) { [string]$each })
        }
    }
    Add-Result -Name 'source of events' -Check {
        $key = Get-RegistryKey -Path "HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\$Product"
        if ($null -eq $key) { return $(if ($null -eq $script:Service) { 'not installed' } else { 'missing' }) }
        Set-StrictMode -Off
        $file = [string]$key.EventMessageFile
        @{ file = ($file -replace '^.*\\', ''); found = ($file -ne '' -and (Test-Path -LiteralPath $file)); types = $key.TypesSupported }
    }
    Add-Result -Name 'events that can be read' -Check {
        if ($null -eq $script:Service) { return 'not installed' }
        $events = @()
        try { $events = @(Get-WinEvent -FilterHashtable @{ LogName = 'Application'; ProviderName = $Product } -MaxEvents 20) }
        catch { if ([string]$_.CategoryInfo.Category -ne 'ObjectNotFound') { throw } }
        @{ events = $events.Count; withText = @($events | Where-Object -FilterScript { [string]$_.Message -ne '' }).Count }
    }
    Add-Result -Name 'folder of the installation' -Check {
        if ($null -eq $script:Service) { return 'not installed' }
        if ([string]$script:Service.PathName -notmatch '^"([^"]+)\\([^\\"]+)"') { return 'the path of the program is not quoted' }
        $place = $Matches[1]
        $program = $Matches[2]
        @{
            inProgramFiles = $place -like "$env:ProgramFiles\*"
            folder         = Get-AccessFact -Path $place
            program        = Get-AccessFact -Path "$place\$program"
        }
    }
}

function Test-Pipe {
    <#
    .SYNOPSIS
    Runs the checks of mobyvm's named pipes and of the group that may use the engine. They change nothing.
    #>
    param()
    Add-Result -Name 'list of named pipes' -Check {
        $found = @(Get-ChildItem -LiteralPath '\\.\pipe\' | ForEach-Object -Process { [string]$_.Name })
        $script:Pipes = @($found | Where-Object -FilterScript { $PipeNames -contains $_ })
        @{ all = $found.Count; mobyvm = Get-State }
    }
    Add-Result -Name 'group docker-users' -Check {
        $group = Get-CimInstance -ClassName Win32_Group -Filter "LocalAccount = True AND Name = 'docker-users'"
        if ($null -ne $group) { $script:EngineGroup = [string]$group.SID }
        if ((Get-State) -eq 'not installed') { return 'not installed' }
        if ($null -eq $group) { return 'missing' }
        $own = @(& (Get-SystemProgram -Name 'whoami') /groups)
        @{ found = $true; member = @($own -match "\b$($script:EngineGroup)(\s|$)").Count -gt 0 }
    }
    foreach ($pipe in $PipeNames) {
        Add-Result -Name "pipe $pipe" -Check {
            if ($null -eq $script:Pipes) { throw 'The named pipes could not be listed.' }
            if ((Get-State) -ne 'running') { return (Get-State) }
            if ($script:Pipes -notcontains $pipe) { return 'missing' }
            $fact = @{ found = $true; access = Get-AccessFact -Path "\\.\pipe\$pipe" }
            # docker_engine may be another program's.
            if ($pipe -like 'mobyvm_*') { $fact['connection'] = Get-PipeFact -Name $pipe }
            $fact
        }
    }
}

function Get-DataFact {
    <#
    .SYNOPSIS
    Returns what Get-ItemFact does of mobyvm's data, or that mobyvm is not installed. Data may be left of an earlier installation.
    .PARAMETER Part
    The path below ProgramData.
    #>
    param([Parameter(Mandatory = $true)][string]$Part)
    $fact = Get-ItemFact -Path (Join-Path -Path $env:ProgramData -ChildPath $Part)
    $isNothing = -not $fact['found'] -and $null -eq $fact['error']
    if ($isNothing -and (Get-State) -eq 'not installed') { 'not installed' } else { $fact }
}

function Test-Protection {
    <#
    .SYNOPSIS
    Runs the checks of mobyvm's folders and files: who owns them, who may use them, and whether one is a link. They only read.
    #>
    param()
    Add-Result -Name 'folder of the data' -Check { Get-DataFact -Part $Product }
    foreach ($part in 'state', 'run', 'logs', 'state\tls', 'state\vm') {
        Add-Result -Name "folder $part" -Check { Get-DataFact -Part "$Product\$part" }
    }
    foreach ($part in $DataFiles) {
        Add-Result -Name "file $part" -Check { Get-DataFact -Part "$Product\$part" }
    }
}

function Test-Changing {
    <#
    .SYNOPSIS
    Creates what mobyvm creates, and checks the result.
    .PARAMETER Folder
    An empty folder for the disk and the virtual machine.
    #>
    param([Parameter(Mandatory = $true)][string]$Folder)
    $switchName = "$Prefix-switch"
    $disk = Join-Path -Path $Folder -ChildPath 'disk.vhdx'
    Add-Result -Name 'new folder beside the one of mobyvm' -Check { Get-ItemFact -Path $Folder }
    # What follows is done in a folder like mobyvm's, also to see that Hyper-V can work in it.
    Add-Result -Name 'folder for SYSTEM and Administrators alone, as mobyvm protects its own' -Check {
        $null = & (Get-SystemProgram -Name 'icacls') $Folder '/inheritance:r' '/grant:r' '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F'
        if ($LASTEXITCODE -ne 0) { throw "icacls.exe failed with exit code $LASTEXITCODE." }
        Get-ItemFact -Path $Folder
    }
    Add-Result -Name 'switch' -Check {
        $made = New-VMSwitch -Name $switchName -SwitchType Internal -Notes 'mobyvm:verify' -Confirm:$false
        @{ id = [string]$made.Id; notes = $made.Notes; type = [string]$made.SwitchType }
    }
    Add-Result -Name 'delay until a new switch has its adapter and IP interface, in units of 100 ms' -Check {
        $delays = @{ adapter = 0; interface = 0 }
        foreach ($attempt in 1..100) {
            $adapter = @(Get-NetAdapter -IncludeHidden | Where-Object -Property Name -EQ -Value "vEthernet ($switchName)")
            if ($adapter.Count -eq 0) { $delays['adapter']++ }
            elseif (@(Get-NetIPInterface -AddressFamily IPv4 | Where-Object -Property InterfaceIndex -EQ -Value $adapter[0].InterfaceIndex).Count -eq 0) { $delays['interface']++ }
            else { break }
            Start-Sleep -Milliseconds 100
        }
        $delays
    }
    Add-Result -Name 'the switch adapter, found by its GUID' -Check {
        $port = Get-VMNetworkAdapter -ManagementOS | Where-Object -Property SwitchName -EQ -Value $switchName
        if ($null -eq $port) { return @{ found = $false; port = $false } }
        $adapter = Get-NetAdapter -IncludeHidden | Where-Object -Property InterfaceGuid -EQ -Value $port.DeviceId
        if ($null -eq $adapter) { @{ found = $false; deviceId = [string]$port.DeviceId } }
        else { @{ found = $true; alias = $adapter.Name; index = $adapter.InterfaceIndex } }
    }
    Add-Result -Name 'address' -Check {
        $adapter = Get-NetAdapter -Name "vEthernet ($switchName)"
        Set-NetIPInterface -InterfaceIndex $adapter.InterfaceIndex -AddressFamily IPv4 -Dhcp Disabled -Confirm:$false
        $null = New-NetIPAddress -InterfaceIndex $adapter.InterfaceIndex -IPAddress '10.213.99.1' -PrefixLength 24 -Confirm:$false
        $states = @()
        for ($attempt = 0; $attempt -lt 20; $attempt++) {
            $states += [string](Get-NetIPAddress -IPAddress '10.213.99.1').AddressState
            if ($states[-1] -eq 'Preferred') { break }
            Start-Sleep -Seconds 1
        }
        $states
    }
    foreach ($port in 53, 67) {
        Add-Result -Name "UDP port $port on the switch's address only" -Check {
            $endPoint = [System.Net.IPEndPoint]::new([System.Net.IPAddress]::Parse('10.213.99.1'), $port)
            $client = [System.Net.Sockets.UdpClient]::new($endPoint)
            $client.Close()
            'bound'
        }
    }
    Add-Result -Name 'NAT network' -Check {
        [string](New-NetNat -Name "$Prefix-nat" -InternalIPInterfaceAddressPrefix '10.213.99.0/24' -Confirm:$false).InternalIPInterfaceAddressPrefix
    }
    Add-Result -Name 'a second NAT network' -Check {
        [string](New-NetNat -Name "$Prefix-nat-2" -InternalIPInterfaceAddressPrefix '10.213.98.0/24' -Confirm:$false).Name
    }
    Add-Result -Name 'firewall rule' -Check {
        $rule = New-NetFirewallRule -Name "$Prefix-rule" -DisplayName "$Prefix" -Group $Prefix -Direction Inbound -Action Allow -Protocol UDP -LocalPort 53 -Program 'System' -InterfaceAlias "vEthernet ($switchName)" -Confirm:$false
        @{ enabled = [string]$rule.Enabled; group = $rule.Group }
    }
    Add-Result -Name 'disk' -Check {
        $null = New-VHD -Path $disk -SizeBytes 1GB -Dynamic -Confirm:$false
        Resize-VHD -Path $disk -SizeBytes 2GB -Confirm:$false
        (Get-VHD -Path $disk).Size
    }
    Add-Result -Name 'virtual machine, created the way mobyvm does it' -Check {
        New-VM -Name "$Prefix-vm" -Generation 2 -MemoryStartupBytes 512MB -NoVHD -SwitchName $switchName -Path $Folder -Confirm:$false |
            Set-VM -Notes 'mobyvm:verify' -StaticMemory -ProcessorCount 1 -CheckpointType Disabled -AutomaticCheckpointsEnabled $false -AutomaticStartAction Nothing -AutomaticStopAction ShutDown -Confirm:$false
        $machine = Get-VM | Where-Object -Property Notes -EQ -Value 'mobyvm:verify'
        @{ id = [string]$machine.Id; state = [string]$machine.State; inFolder = $machine.Path.StartsWith($Folder) }
    }
    Add-Result -Name 'integration services, found by id' -Check {
        Get-VM -Name "$Prefix-vm" | Get-VMIntegrationService | ForEach-Object -Process {
            @{ id = [string]$_.Id; enabled = $_.Enabled }
        }
    }
    Add-Result -Name 'drives, console and MAC address' -Check {
        $machine = Get-VM -Name "$Prefix-vm"
        Add-VMHardDiskDrive -VM $machine -ControllerType SCSI -Path $disk -Confirm:$false
        Add-VMDvdDrive -VM $machine -Confirm:$false
        Set-VMFirmware -VM $machine -EnableSecureBoot Off -FirstBootDevice (Get-VMDvdDrive -VM $machine) -Confirm:$false
        Set-VMComPort -VM $machine -Number 1 -Path '\\.\pipe\mobyvm_verify' -Confirm:$false
        Set-VMNetworkAdapter -VMNetworkAdapter (Get-VMNetworkAdapter -VM $machine) -StaticMacAddress '02000A004B7F' -Confirm:$false
        @{ mac = (Get-VMNetworkAdapter -VM $machine).MacAddress; console = (Get-VMComPort -VM $machine -Number 1).Path }
    }
    Add-Result -Name 'boot order' -Check {
        # As mobyvm's sessions read it: devices without a file have no path.
        Set-StrictMode -Off
        $firmware = Get-VMFirmware -VM (Get-VM -Name "$Prefix-vm")
        @{ types = @($firmware.BootOrder.BootType | ForEach-Object -Process { [string]$_ }); paths = @($firmware.BootOrder.Device.Path) }
    }
    Add-Result -Name 'more memory than the host has' -Check {
        Set-VM -Name "$Prefix-vm" -StaticMemory -MemoryStartupBytes 4TB -Confirm:$false
    }
    Add-Result -Name 'start with more memory than the host has' -FailsIn 'Start-VM' -Check {
        Start-VM -Name "$Prefix-vm" -Confirm:$false
    }
    Add-Result -Name 'original memory size' -Check {
        if ([string](Get-VM -Name "$Prefix-vm").State -ne 'Off') { Stop-VM -Name "$Prefix-vm" -TurnOff -Force -Confirm:$false }
        Set-VM -Name "$Prefix-vm" -StaticMemory -MemoryStartupBytes 512MB -Confirm:$false
    }
    Add-Result -Name 'start, states, save, restore, power off' -Check {
        $states = @()
        Start-VM -Name "$Prefix-vm" -Confirm:$false
        $states += [string](Get-VM -Name "$Prefix-vm").State
        Save-VM -Name "$Prefix-vm" -Confirm:$false
        $states += [string](Get-VM -Name "$Prefix-vm").State
        Start-VM -Name "$Prefix-vm" -Confirm:$false
        $states += [string](Get-VM -Name "$Prefix-vm").State
        $states
    }
    Add-Result -Name 'who may use the folder and the disk of a running machine' -Check {
        @{ folder = Get-ItemFact -Path $Folder; disk = Get-ItemFact -Path $disk }
    }
    Add-Result -Name 'processor count of a running machine' -FailsIn 'Set-VM' -Check {
        Set-VM -Name "$Prefix-vm" -ProcessorCount 2 -Confirm:$false
    }
    Add-Result -Name 'a disk in use' -FailsIn 'Mount-VHD' -Check { Mount-VHD -Path $disk -Confirm:$false }
    Add-Result -Name 'key-value item' -Check {
        # Without a guest there may be no job.
        Set-StrictMode -Off
        $machine = Get-VM -Name "$Prefix-vm"
        $id = ([string]$machine.Id).ToUpperInvariant()
        $system = Get-CimInstance -Namespace $Namespace -ClassName Msvm_ComputerSystem -Filter "Name = '$id'"
        $service = Get-CimInstance -Namespace $Namespace -ClassName Msvm_VirtualSystemManagementService
        $item = '<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem"><PROPERTY NAME="Data" TYPE="string"><VALUE>1</VALUE></PROPERTY><PROPERTY NAME="Name" TYPE="string"><VALUE>mobyvm-verify</VALUE></PROPERTY><PROPERTY NAME="Source" TYPE="uint16"><VALUE>0</VALUE></PROPERTY></INSTANCE>'
        $answer = Invoke-CimMethod -InputObject $service -MethodName AddKvpItems -Arguments @{ TargetSystem = $system; DataItems = @($item) } -Confirm:$false
        @{ returnValue = $answer.ReturnValue; job = [string]$answer.Job.InstanceID }
    }
    Add-Result -Name 'shutdown request without a guest' -Check {
        $id = ([string](Get-VM -Name "$Prefix-vm").Id).ToUpperInvariant()
        $component = Get-CimInstance -Namespace $Namespace -ClassName Msvm_ShutdownComponent -Filter "SystemName = '$id'"
        (Invoke-CimMethod -InputObject $component -MethodName InitiateShutdown -Arguments @{ Force = $false; Reason = 'mobyvm' } -Confirm:$false).ReturnValue
    }
    Add-Result -Name 'replace the disk by another one' -Check {
        Stop-VM -Name "$Prefix-vm" -TurnOff -Force -Confirm:$false
        Remove-WithRetry -Path $disk
        $null = New-VHD -Path $disk -SizeBytes 1GB -Dynamic -Confirm:$false
    }
    Add-Result -Name 'start with a replaced disk' -FailsIn 'Start-VM' -MayBeDenied -Check {
        Start-VM -Name "$Prefix-vm" -Confirm:$false
    }
    Add-Result -Name 'start with a replaced disk, attached again' -Check {
        $machine = Get-VM -Name "$Prefix-vm"
        if ([string]$machine.State -eq 'Running') { Stop-VM -Name "$Prefix-vm" -TurnOff -Force -Confirm:$false }
        Get-VMHardDiskDrive -VM $machine | Set-VMHardDiskDrive -Path $disk -Confirm:$false
        Start-VM -Name "$Prefix-vm" -Confirm:$false
        [string](Get-VM -Name "$Prefix-vm").State
    }
}

function Remove-Everything {
    <#
    .SYNOPSIS
    Removes what Test-Changing created, even if it did not finish.
    .PARAMETER Folder
    The folder that was passed to Test-Changing.
    #>
    param([Parameter(Mandatory = $true)][string]$Folder)
    Add-Result -Name 'remove the machine' -Check {
        foreach ($machine in @(Get-VM | Where-Object -Property Name -EQ -Value "$Prefix-vm")) {
            if ([string]$machine.State -ne 'Off') { Stop-VM -VM $machine -TurnOff -Force -Confirm:$false }
            Remove-VM -VM $machine -Force -Confirm:$false
        }
    }
    Add-Result -Name 'remove the firewall rule' -Check {
        foreach ($rule in @(Get-NetFirewallRule | Where-Object -Property Name -EQ -Value "$Prefix-rule")) {
            Remove-NetFirewallRule -Name $rule.Name -Confirm:$false
        }
    }
    Add-Result -Name 'remove the NAT networks' -Check {
        foreach ($nat in @(Get-NetNat | Where-Object -Property Name -Like -Value "$Prefix-*")) {
            Remove-NetNat -Name $nat.Name -Confirm:$false
        }
    }
    Add-Result -Name 'remove the switch' -Check {
        foreach ($switch in @(Get-VMSwitch | Where-Object -Property Name -EQ -Value "$Prefix-switch")) {
            Remove-VMSwitch -VMSwitch $switch -Force -Confirm:$false
        }
    }
    Add-Result -Name 'remove the folder' -Check { Remove-WithRetry -Path $Folder }
}

if ($Change) {
    $obstacle = Get-Obstacle
    if ($null -ne $obstacle) {
        Write-Output -InputObject "Nothing was changed; without -Change, the script only reads. $obstacle"
        exit 2
    }
}
# First of all: a report that can't be written would waste the run. An earlier report is kept until this run has finished.
try { Add-Content -LiteralPath $Path -Value '' -NoNewline -Encoding UTF8 }
catch {
    Write-Output -InputObject "The report can't be written: $($_.Exception.Message) Use -Path to write it elsewhere."
    exit 2
}

$isComplete = $false
# After Ctrl-C, output to the stopped pipeline would also end the `finally` block: Out-Host bypasses the pipeline.
try {
    Test-Reading
    Test-Service
    Test-Pipe
    Test-Protection
    if ($Change) {
        $folder = Join-Path -Path $env:ProgramData -ChildPath "$Prefix-$PID"
        $null = New-Item -ItemType Directory -Path $folder
        try { Test-Changing -Folder $folder }
        finally { Remove-Everything -Folder $folder | Out-Host }
    }
    $isComplete = $true
}
finally {
    $report = @{ script = 1; changes = [bool]$Change; complete = $isComplete; results = $script:Results }
    ConvertTo-Json -InputObject $report -Depth 8 | Set-Content -LiteralPath $Path -Encoding UTF8
}
Write-Output -InputObject ''
Write-Output -InputObject "The report is in $Path. Attach it to an issue."
