function Get-Program {
    <#
    .SYNOPSIS
    Returns the mobyvm program: the file to run, and the arguments that come first.
    .DESCRIPTION
    On Windows this is node.exe with mobyvm's script: mobyvm.cmd would have the command processor interpret the arguments.
    #>
    [CmdletBinding()]
    param()
    # <folder of mobyvm>\modules\MobyVm, or scripts/MobyVm in a checkout.
    $installation = Split-Path -Path (Split-Path -Path $script:ModuleRoot -Parent) -Parent
    $command = Get-Command -Name 'mobyvm' -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    $folders = @($installation)
    if ($null -ne $command) { $folders += Split-Path -Path $command.Source -Parent }
    foreach ($folder in $folders) {
        $node = Join-Path -Path $folder -ChildPath 'node.exe'
        $entry = Join-Path -Path (Join-Path -Path $folder -ChildPath 'lib') -ChildPath 'main.js'
        if ((Test-Path -LiteralPath $node) -and (Test-Path -LiteralPath $entry)) { return @($node, $entry) }
    }
    $checkout = Join-Path -Path (Join-Path -Path $installation -ChildPath 'bin') -ChildPath 'mobyvm'
    if (-not (Test-WindowsHost) -and (Test-Path -LiteralPath $checkout)) { return @($checkout) }
    if ($null -ne $command -and $command.Extension -notmatch '^\.(cmd|bat)$') { return @($command.Source) }
    throw (New-Failure -ErrorId 'MobyVmProgramMissing' -Category 'NotInstalled' -Message 'The program mobyvm was not found.' -Remedy (
            'Install mobyvm, or import the module from the folder in which mobyvm is.'))
}
