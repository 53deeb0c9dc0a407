function Get-MobyVmPortOwner {
    <#
    .SYNOPSIS
    Shows which programs of this computer listen on ports.

    .DESCRIPTION
    Joins what Windows knows of TCP listeners, UDP endpoints, processes and services, and lists the ranges that Windows has
    reserved, in which no program can listen. Returns nothing for a port that is free. Works on Windows only.

    .PARAMETER Port
    The ports. The default is those that mobyvm needs: 53 (DNS), 67 (DHCP), 445 (shares), 2374 (requests of the VM), 2375 (the
    usual port of a Docker Engine).

    .PARAMETER Protocol
    TCP, UDP, or both, which is the default.

    .EXAMPLE
    Get-MobyVmPortOwner -Port 53, 67, 2375

    Shows who has these ports.

    .EXAMPLE
    80, 443 | Get-MobyVmPortOwner -Protocol TCP

    Shows which programs prevent the ports 80 and 443 from being published.

    .INPUTS
    System.Int32. Ports.

    .OUTPUTS
    MobyVm.PortOwner

    .LINK
    Test-MobyVmNetwork
    #>
    [CmdletBinding()]
    [OutputType('MobyVm.PortOwner')]
    param(
        [Parameter(Position = 0, ValueFromPipeline = $true)]
        [ValidateRange(1, 65535)]
        [int[]]$Port = @(53, 67, 445, 2374, 2375),
        [ValidateSet('TCP', 'UDP')]
        [string[]]$Protocol = @('TCP', 'UDP')
    )
    begin {
        $ports = @()
    }
    process {
        $ports += $Port
    }
    end {
        try {
            if (-not (Test-WindowsHost)) {
                throw (New-Failure -ErrorId 'MobyVmNotOnWindows' -Category 'NotImplemented' -Message 'This command works on Windows only.' -Remedy 'On Linux, use: ss -lntup')
            }
            $processes = @(Get-Process -ErrorAction Stop)
            $services = @(Get-CimInstance -ClassName 'Win32_Service' -ErrorAction Stop)
            $endpoints = @{}
            $ranges = @{}
            foreach ($kind in $Protocol) {
                $endpoints[$kind] = @(if ($kind -eq 'TCP') { Get-NetTCPConnection -State 'Listen' -ErrorAction Stop } else { Get-NetUDPEndpoint -ErrorAction Stop })
                $ranges[$kind] = @(Get-ReservedPort -Protocol $kind)
            }
            foreach ($number in @($ports | Sort-Object -Unique)) {
                foreach ($kind in $Protocol) {
                    foreach ($endpoint in @($endpoints[$kind] | Where-Object -Property LocalPort -EQ -Value $number)) {
                        $process = $processes | Where-Object -Property Id -EQ -Value $endpoint.OwningProcess | Select-Object -First 1
                        $own = @($services | Where-Object -FilterScript { $_.ProcessId -ne 0 -and $_.ProcessId -eq $endpoint.OwningProcess })
                        New-Result -TypeName 'PortOwner' -Property ([ordered]@{
                                Port         = $number
                                Protocol     = $kind
                                LocalAddress = [string]$endpoint.LocalAddress
                                ProcessId    = [int]$endpoint.OwningProcess
                                ProcessName  = $process.Name
                                Service      = @($own | ForEach-Object -Process { $_.Name }) -join ', '
                                Path         = $process.Path
                                Reserved     = $null
                                Source       = 'Windows'
                            })
                    }
                    foreach ($range in @($ranges[$kind] | Where-Object -FilterScript { $_.First -le $number -and $_.Last -ge $number })) {
                        New-Result -TypeName 'PortOwner' -Property ([ordered]@{
                                Port         = $number
                                Protocol     = $kind
                                LocalAddress = $null
                                ProcessId    = $null
                                ProcessName  = $null
                                Service      = ''
                                Path         = $null
                                Reserved     = "$($range.First)-$($range.Last)"
                                Source       = 'netsh'
                            })
                    }
                }
            }
        }
        catch {
            $failure = ConvertTo-Failure -ErrorRecord $_
            Write-Error @failure
        }
    }
}
