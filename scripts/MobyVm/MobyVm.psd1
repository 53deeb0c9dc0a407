@{
    RootModule           = 'MobyVm.psm1'
    ModuleVersion        = '0.1.0'
    GUID                 = '6f0c8c5e-3d0b-4a6e-9d35-0a7b5f2c41d8'
    Author               = 'mobyvm'
    CompanyName          = 'mobyvm'
    Copyright            = 'Licensed under the Apache License, Version 2.0.'
    Description          = 'Shows the state of mobyvm, its VM and its network, and finds out why something does not work.'
    PowerShellVersion    = '5.1'
    CompatiblePSEditions = @('Desktop', 'Core')
    FormatsToProcess     = @('MobyVm.Format.ps1xml')
    FunctionsToExport    = @(
        'Enter-MobyVmShell'
        'Export-MobyVmDiagnostics'
        'Get-MobyVmComPort'
        'Get-MobyVmConsole'
        'Get-MobyVmIntegrationService'
        'Get-MobyVmIPAddress'
        'Get-MobyVmKvp'
        'Get-MobyVmLog'
        'Get-MobyVmPortOwner'
        'Get-MobyVmStatus'
        'Get-MobyVmSwitch'
        'Remove-MobyVmKvp'
        'Repair-MobyVm'
        'Set-MobyVmKvp'
        'Test-MobyVmNetwork'
        'Test-MobyVmShare'
    )
    CmdletsToExport      = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
}
