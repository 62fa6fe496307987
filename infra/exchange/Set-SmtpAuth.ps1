#Requires -Version 7.2
#Requires -Modules ExchangeOnlineManagement
<#
.SYNOPSIS
Turns SMTP AUTH on, off, or back to the tenant's setting, for single mailboxes; and off for the tenant.

.DESCRIPTION
Exosend signs in with OAuth 2.0, and still by SMTP AUTH: the mailboxes it sends from need it enabled. A mailbox's own
setting counts more than the tenant's, so the safe state is: off for the tenant, on for these mailboxes alone.

It changes only what differs. A change takes some minutes to show, sometimes an hour.

.PARAMETER Mailbox
One mailbox or several, also by pipeline.

.PARAMETER Path
Text file with one mailbox on each line. Blank lines and lines that begin with # are passed over.

.PARAMETER State
Enabled, Disabled, or Inherit (what the tenant says).

.PARAMETER TenantOff
Turns SMTP AUTH off for the tenant. Every mailbox that inherits loses it at once: see Get-SmtpAuthReport.ps1 first.

.EXAMPLE
./Set-SmtpAuth.ps1 -Mailbox billing@contoso.com -State Enabled

.EXAMPLE
./Set-SmtpAuth.ps1 -Path ./mailboxes.txt -State Enabled -TenantOff -WhatIf

.EXAMPLE
'billing@contoso.com', 'shop@contoso.com' | ./Set-SmtpAuth.ps1 -State Inherit

.OUTPUTS
One object for each mailbox with its setting before and now, and one for the tenant with -TenantOff.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium', DefaultParameterSetName = 'Tenant')]
[OutputType([pscustomobject])]
param(
    [Parameter(Mandatory, ParameterSetName = 'Mailbox', ValueFromPipeline, ValueFromPipelineByPropertyName)]
    [ValidateNotNullOrEmpty()]
    [string[]]$Mailbox,

    [Parameter(Mandatory, ParameterSetName = 'File')]
    [ValidateScript({ Test-Path -LiteralPath $_ -PathType Leaf })]
    [string]$Path,

    [Parameter(Mandatory, ParameterSetName = 'Mailbox')]
    [Parameter(Mandatory, ParameterSetName = 'File')]
    [ValidateSet('Enabled', 'Disabled', 'Inherit')]
    [string]$State,

    [Parameter(ParameterSetName = 'Mailbox')]
    [Parameter(ParameterSetName = 'File')]
    [Parameter(Mandatory, ParameterSetName = 'Tenant')]
    [switch]$TenantOff
)

begin {
    $ErrorActionPreference = 'Stop'
    # Exchange keeps the opposite: is it disabled, or is nothing said ($null)?
    $isDisabled = @{ Enabled = $false; Disabled = $true; Inherit = $null }
    $addresses = [System.Collections.Generic.List[string]]::new()

    function Get-StateName {
        param([object]$Disabled)
        if ($null -eq $Disabled) { return 'Inherit' }
        if ($Disabled) { return 'Disabled' } else { return 'Enabled' }
    }

    if (-not (Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' })) {
        throw 'No session with Exchange Online. Run Connect-ExchangeOnline first.'
    }
}

process {
    if ($PSCmdlet.ParameterSetName -eq 'Mailbox') { $addresses.AddRange([string[]]$Mailbox) }
}

end {
    if ($PSCmdlet.ParameterSetName -eq 'File') {
        $lines = Get-Content -LiteralPath $Path | ForEach-Object { $_.Trim() }
        $addresses.AddRange([string[]]@($lines | Where-Object { $_ -ne '' -and -not $_.StartsWith('#') }))
        if ($addresses.Count -eq 0) { throw "$Path names no mailbox." }
    }

    # The mailboxes first: with the tenant turned off before them, their mail would stop for that time.
    foreach ($address in ($addresses | Select-Object -Unique)) {
        try {
            $before = Get-StateName (Get-CASMailbox -Identity $address).SmtpClientAuthenticationDisabled
        }
        catch {
            Write-Error "${address}: $($_.Exception.Message)" -ErrorAction Continue
            continue
        }
        $now = $before
        if ($before -ne $State -and $PSCmdlet.ShouldProcess($address, "Set SMTP AUTH from $before to $State")) {
            Set-CASMailbox -Identity $address -SmtpClientAuthenticationDisabled $isDisabled[$State] -Confirm:$false
            $now = $State
        }
        [pscustomobject]@{ Target = $address; Before = $before; Now = $now; Changed = $before -ne $now }
    }

    if ($TenantOff) {
        $before = Get-StateName (Get-TransportConfig).SmtpClientAuthenticationDisabled
        $now = $before
        if ($before -ne 'Disabled' -and
            $PSCmdlet.ShouldProcess('the tenant', 'Turn SMTP AUTH off for every mailbox without a setting of its own')) {
            Set-TransportConfig -SmtpClientAuthenticationDisabled $true -Confirm:$false
            $now = 'Disabled'
        }
        [pscustomobject]@{ Target = 'tenant'; Before = $before; Now = $now; Changed = $before -ne $now }
    }
}
