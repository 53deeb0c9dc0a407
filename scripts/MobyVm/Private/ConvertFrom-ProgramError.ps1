function ConvertFrom-ProgramError {
    <#
    .SYNOPSIS
    Makes the parameters of Write-Error from what mobyvm printed to standard error: a sentence, a remedy, a code.
    .PARAMETER Line
    The lines.
    #>
    [CmdletBinding()]
    param([AllowEmptyCollection()][string[]]$Line = @())
    $message = @($Line | Where-Object -FilterScript { $_ -notmatch '^\s' -and $_.Trim() -ne '' } | ForEach-Object -Process { $_ -replace '^mobyvm: ', '' }) -join ' '
    $code = @($Line | Where-Object -FilterScript { $_ -match '^\s+MOBYVM_[A-Z_]+' } | ForEach-Object -Process { ($_ -split '\s+')[1] }) | Select-Object -First 1
    # An arrow comes first, in whatever encoding.
    $remedy = @($Line | Where-Object -FilterScript { $_ -match '^\s' -and $_ -notmatch '^\s+MOBYVM_' } | ForEach-Object -Process { $_ -replace '^\s+\S+\s+', '' }) -join ' '
    if ($message -eq '') { $message = 'mobyvm ended without an answer.' }
    if ($null -eq $code) { $code = 'MobyVmProgramFailed' }
    New-Failure -ErrorId $code -Message $message -Remedy $remedy -Category 'InvalidResult'
}
