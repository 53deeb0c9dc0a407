function Export-MobyVmDiagnostics {
    <#
    .SYNOPSIS
    Collects what is needed to find a fault in one zip file, to attach to an issue.

    .DESCRIPTION
    Runs mobyvm diagnose, which works whether the daemon runs or not. Passwords and keys are left out.

    .PARAMETER Path
    The file to write. The default is mobyvm-diagnostics-DATE-TIME.zip in the current folder.

    .PARAMETER Force
    Replaces a file that exists.

    .EXAMPLE
    Export-MobyVmDiagnostics

    Writes a file in the current folder.

    .EXAMPLE
    Export-MobyVmDiagnostics -Path C:\Temp\mobyvm.zip -Force

    Writes this file, also if it exists.

    .INPUTS
    None.

    .OUTPUTS
    System.IO.FileInfo

    .LINK
    Get-MobyVmLog
    #>
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Low')]
    param(
        [Parameter(Position = 0)]
        [ValidateNotNullOrEmpty()]
        [string]$Path = "mobyvm-diagnostics-$(Get-Date -Format 'yyyyMMdd-HHmmss').zip",
        [switch]$Force
    )
    try {
        # Windows PowerShell's folder is not that of its process.
        $file = if (Split-Path -Path $Path -IsAbsolute) { $Path } else { Join-Path -Path (Get-Location -PSProvider FileSystem).ProviderPath -ChildPath $Path }
        if ((Test-Path -LiteralPath $file) -and -not $Force) {
            throw (New-Failure -ErrorId 'MobyVmFileExists' -Category 'ResourceExists' -Message "The file $file exists." -Remedy 'Name another one, or use -Force.')
        }
        if (-not (Confirm-Change -Cmdlet $PSCmdlet -Target $file -Action 'Write diagnostics')) { return }
        $answer = Invoke-Program -Argument 'diagnose', '--out', $file
        if ($answer.ExitCode -ne 0) { throw $answer.Failure }
        Get-Item -LiteralPath $file -ErrorAction Stop
    }
    catch {
        $failure = ConvertTo-Failure -ErrorRecord $_
        Write-Error @failure
    }
}
