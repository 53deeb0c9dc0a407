# For module-session.ps1, whose own language is constrained: this module's is not.

function Read-SessionLine { [System.Console]::In.ReadLine() }

function Write-SessionLine {
    param([string]$Text)
    [System.Console]::Out.WriteLine($Text)
    [System.Console]::Out.Flush()
}

Export-ModuleMember -Function Read-SessionLine, Write-SessionLine
