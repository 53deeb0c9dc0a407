function Set-MobyVmKvp {
    <#
    .SYNOPSIS
    Sets a key-value item of the host for the guest: adds it, or replaces its value.

    .DESCRIPTION
    The daemon sets the item and sends it again after each boot of the VM. If the daemon does not run, Hyper-V is asked to set it
    in the running VM; secrets are refused then, because nothing would remember that they are.

    Items whose names begin with "mobyvm." are mobyvm's own, and cannot be set.

    .PARAMETER Name
    Its name, up to 255 characters.

    .PARAMETER Value
    Its value, up to 1023 characters.

    .PARAMETER SecureValue
    Its value, which is never shown, and is not part of any command line.

    .PARAMETER PassThru
    Returns the item.

    .EXAMPLE
    Set-MobyVmKvp -Name greeting -Value hello

    Sets an item.

    .EXAMPLE
    Set-MobyVmKvp -Name token -SecureValue (Read-Host -AsSecureString)

    Asks for a secret, and sets it.

    .EXAMPLE
    Import-Csv -Path items.csv | Set-MobyVmKvp -WhatIf

    Shows which items a file with the columns Name and Value would set.

    .INPUTS
    Objects with the properties Name and Value.

    .OUTPUTS
    None; with -PassThru MobyVm.KvpItem.

    .LINK
    Get-MobyVmKvp
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium', DefaultParameterSetName = 'Value')]
    [OutputType('MobyVm.KvpItem')]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipelineByPropertyName = $true)]
        [ValidateNotNullOrEmpty()]
        [string]$Name,
        [Parameter(Mandatory = $true, Position = 1, ValueFromPipelineByPropertyName = $true, ParameterSetName = 'Value')]
        [AllowEmptyString()]
        [string]$Value,
        [Parameter(Mandatory = $true, ParameterSetName = 'SecureValue')]
        [securestring]$SecureValue,
        [switch]$PassThru
    )
    begin {
        $daemon = Get-DaemonState
    }
    process {
        $isSecret = $null -ne $SecureValue
        try {
            if ($Name -like 'mobyvm.*') {
                throw (New-Failure -ErrorId 'MobyVmKvpReserved' -Category 'InvalidArgument' -Message "The item $Name is mobyvm's own." -Remedy 'Choose a name that does not begin with "mobyvm.".')
            }
            if (-not $isSecret -and $Value -ceq '***') {
                throw (New-Failure -ErrorId 'MobyVmKvpMasked' -Category 'InvalidArgument' -Message "The value of $Name is the mask of Get-MobyVmKvp." -Remedy 'Pass the real value.')
            }
            if (-not (Confirm-Change -Cmdlet $PSCmdlet -Target $Name -Action 'Set key-value item')) { return }
            $source = 'daemon'
            if ($daemon.State -eq 'running') {
                if ($Name -like '-*') {
                    throw (New-Failure -ErrorId 'MobyVmKvpLimit' -Category 'InvalidArgument' -Message "mobyvm takes $Name for an option." -Remedy 'Choose a name that does not begin with a hyphen.')
                }
                $words = @('kvp', 'set', $Name)
                # A secret is in no command line, and what begins with a hyphen would be taken for an option there.
                if ($isSecret -or $Value -like '-*') {
                    $text = $Value
                    if ($isSecret) {
                        $words += '--secret'
                        $text = (New-Object -TypeName pscredential -ArgumentList 'item', $SecureValue).GetNetworkCredential().Password
                    }
                    if (-not $script:IsFullLanguage -and $text -cmatch '[^\x20-\x7e]') {
                        throw (New-Failure -ErrorId 'MobyVmLanguageMode' -Category 'InvalidOperation' -Message 'Constrained Language Mode cannot pass characters beyond ASCII to a program.' -Remedy 'Use: mobyvm kvp set NAME < FILE')
                    }
                    $answer = Invoke-Program -Argument $words -InputText $text
                }
                else { $answer = Invoke-Program -Argument ($words + $Value) }
                if ($answer.ExitCode -ne 0) { throw $answer.Failure }
            }
            else {
                if ($isSecret) {
                    throw (New-Failure -ErrorId 'MobyVmNotRunning' -Category 'ResourceUnavailable' -Message 'A secret can be set only while the daemon runs, which remembers that it is one.' -Remedy 'Start it with: Repair-MobyVm')
                }
                $source = 'Hyper-V'
                $item = ConvertTo-KvpXml -Name $Name -Value $Value
                $machine = Find-Machine -One
                $exists = @(Get-MachineKvp -Machine $machine | Where-Object -FilterScript { $_.Pool -eq 'host' -and $_.Name -ceq $Name }).Count -gt 0
                Invoke-KvpMethod -Machine $machine -MethodName $(if ($exists) { 'ModifyKvpItems' } else { 'AddKvpItems' }) -Item $item
            }
            if ($PassThru) {
                $shown = if ($isSecret) { '***' } else { $Value }
                New-Result -TypeName 'KvpItem' -Property ([ordered]@{ Pool = 'host'; Name = $Name; Value = $shown; IsMasked = $isSecret; Source = $source })
            }
        }
        catch {
            $failure = ConvertTo-Failure -ErrorRecord $_
            Write-Error @failure -TargetObject $Name
        }
    }
}
