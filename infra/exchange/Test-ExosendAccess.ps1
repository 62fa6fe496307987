#Requires -Version 7.2
#Requires -Modules ExchangeOnlineManagement
<#
.SYNOPSIS
Checks on the Exchange side whether the Exosend app can send as a mailbox, and says what is missing.

.DESCRIPTION
Reads only, and sends nothing. It checks that Exchange knows the app, that the mailbox is in the scope of its role (or, in
claim mode, that FullAccess is there), that SMTP AUTH is on for the mailbox, and SendAs for further addresses.

Exchange answers here from its own configuration at once, while its SMTP servers follow up to two hours later: with all
checks good and sign-ins refused, wait before you search.

.PARAMETER AppId
Application (client) id of the mail app.

.PARAMETER Mailbox
Mailboxes that the app sends from.

.PARAMETER SendAs
Further addresses that the mailboxes shall be allowed to write as.

.PARAMETER ClaimMode
Looks for FullAccess in place of the role assignment.

.EXAMPLE
./Test-ExosendAccess.ps1 -AppId 11111111-2222-3333-4444-555555555555 -Mailbox billing@contoso.com | Format-Table

.OUTPUTS
One object for each check: Mailbox, Check, Ok, Detail, Remedy.
#>
[CmdletBinding()]
[OutputType([pscustomobject])]
param(
    [Parameter(Mandatory)]
    [guid]$AppId,

    [Parameter(Mandatory)]
    [ValidateNotNullOrEmpty()]
    [string[]]$Mailbox,

    [string[]]$SendAs = @(),

    [switch]$ClaimMode
)

$ErrorActionPreference = 'Stop'
$role = 'Application SMTP.SendAsApp'

function New-Check {
    param([string]$Address, [string]$Check, [bool]$Ok, [string]$Detail, [string]$Remedy)
    [pscustomobject]@{ Mailbox = $Address; Check = $Check; Ok = $Ok; Detail = $Detail; Remedy = if ($Ok) { '' } else { $Remedy } }
}

if (-not (Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' })) {
    throw 'No session with Exchange Online. Run Connect-ExchangeOnline first.'
}

$principal = Get-ServicePrincipal | Where-Object { "$($_.AppId)" -eq "$AppId" } | Select-Object -First 1
$objectId = "$($principal.ObjectId)"
if ($objectId -eq '') { $objectId = "$($principal.ServiceId)" }
$isTenantOff = [bool](Get-TransportConfig).SmtpClientAuthenticationDisabled

New-Check -Address '' -Check 'Exchange knows the app' -Ok ($null -ne $principal) -Detail $objectId -Remedy 'Run Register-ExosendApp.ps1.'
if (-not $principal) { return }

# Another object id than the enterprise application's looks right here and fails at every sign-in.
if ((Get-Command Invoke-MgGraphRequest -ErrorAction SilentlyContinue) -and (Get-MgContext)) {
    $found = Invoke-MgGraphRequest -Method GET -Uri "/v1.0/servicePrincipals(appId='$AppId')" -OutputType PSObject
    New-Check -Address '' -Check 'Object id is the enterprise application''s' -Ok ($found.id -eq $objectId) -Detail $found.id -Remedy 'Run Unregister-ExosendApp.ps1, then Register-ExosendApp.ps1.'
}
else {
    Write-Warning 'The object id was not compared with the directory: run Connect-MgGraph -Scopes Application.Read.All before this.'
}

foreach ($address in $Mailbox) {
    if ($ClaimMode) {
        $held = Get-MailboxPermission -Identity $address -User $objectId -ErrorAction SilentlyContinue
        New-Check -Address $address -Check 'FullAccess' -Ok ($held.AccessRights -contains 'FullAccess') -Detail "$($held.AccessRights)" -Remedy 'Run Register-ExosendApp.ps1 -ClaimMode.'
    }
    else {
        $grant = Test-ServicePrincipalAuthorization -Identity $objectId -Resource $address |
            Where-Object { "$($_.RoleName)" -eq $role } | Select-Object -First 1
        New-Check -Address $address -Check "In scope of '$role'" -Ok ($grant.InScope -eq $true) -Detail "$($grant.AllowedResourceScope)" -Remedy 'Run Register-ExosendApp.ps1 with this mailbox; a member just added to the group needs time.'
    }

    $own = (Get-CASMailbox -Identity $address).SmtpClientAuthenticationDisabled
    $isOff = $null -eq $own ? $isTenantOff : [bool]$own
    $who = $null -eq $own ? 'the tenant' : 'the mailbox'
    New-Check -Address $address -Check 'SMTP AUTH is on' -Ok (-not $isOff) -Detail "set by $who" -Remedy "Run Set-SmtpAuth.ps1 -Mailbox $address -State Enabled."

    foreach ($other in $SendAs) {
        $held = Get-RecipientPermission -Identity $other -Trustee $address -ErrorAction SilentlyContinue
        New-Check -Address $address -Check "SendAs $other" -Ok ($held.AccessRights -contains 'SendAs') -Detail "$($held.AccessRights)" -Remedy "Run Register-ExosendApp.ps1 with -SendAs $other."
    }
}

$changedAt = $principal.WhenChangedUTC
if ($changedAt -and ([datetime]::UtcNow - $changedAt).TotalHours -lt 2) {
    Write-Warning "The service principal was changed at $($changedAt.ToString('u')). Exchange's SMTP servers follow up to two hours later."
}
