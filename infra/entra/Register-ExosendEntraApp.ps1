#Requires -Version 7.2
#Requires -Modules Microsoft.Graph.Authentication
<#
.SYNOPSIS
Registers Exosend in Entra ID: what infra/entra.bicep does, for those who may not use its extension.

.DESCRIPTION
Makes the mail app's registration (single tenant) and its enterprise application, and, where asked for, a federated
credential for the managed identity, the consent of claim mode, and the registration with the app roles that callers get
tokens for. What is there already is left as it is or brought to the same state, so it can be run again at any time.

No certificate is touched, here or on a later run: `npm run credential` looks after it.

Needs Connect-MgGraph with the scopes Application.ReadWrite.All and, for -ClaimMode and -Caller,
AppRoleAssignment.ReadWrite.All. The role Application Administrator has both; the consent of claim mode needs a
Privileged Role Administrator.

.PARAMETER TenantId
Tenant of Microsoft 365, as GUID or domain. Refused when the session belongs to another one.

.PARAMETER UniqueName
Key of the mail app's registration; unique in the tenant and never changed afterwards. entra.bicep uses the same.

.PARAMETER DisplayName
Name that administrators see.

.PARAMETER ManagedIdentityPrincipalId
Object id of the managed identity that may prove itself as the mail app, for the credential kind "managedIdentity".

.PARAMETER ClaimMode
Adds the API permission SMTP.SendAsApp and its consent. Leave it off with App RBAC, the default.

.PARAMETER CallerRoles
Makes the registration "<DisplayName> API" with the app roles Mail.Send and Mail.Operate.

.PARAMETER Caller
Object ids of managed identities or service principals that get the role Mail.Send. Needs -CallerRoles.

.EXAMPLE
Connect-MgGraph -TenantId contoso.com -Scopes Application.ReadWrite.All
./Register-ExosendEntraApp.ps1 -TenantId contoso.com -WhatIf

.EXAMPLE
./Register-ExosendEntraApp.ps1 -TenantId contoso.com -CallerRoles -Caller 0f0e0d0c-0b0a-0908-0706-050403020100

.OUTPUTS
One object with the ids that the next steps want.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
[OutputType([pscustomobject])]
param(
    [Parameter(Mandatory)]
    [string]$TenantId,

    [ValidatePattern('^[A-Za-z0-9._-]{1,100}$')]
    [string]$UniqueName = 'exosend',

    [ValidateNotNullOrEmpty()]
    [string]$DisplayName = 'Exosend',

    [Nullable[guid]]$ManagedIdentityPrincipalId,

    [switch]$ClaimMode,

    [switch]$CallerRoles,

    [guid[]]$Caller = @()
)

$ErrorActionPreference = 'Stop'
$exchangeOnlineAppId = '00000002-0000-0ff1-ce00-000000000000'
# The same ids as in infra/entra.bicep.
$roleIds = @{
    'Mail.Send'    = '6d1f0c5e-3f0a-4b0e-9d53-6d5a0b7f6c11'
    'Mail.Operate' = 'b4a0a8c2-7d0e-4a57-8f0c-2f9f2a6d9e42'
}
$federationAudiences = @{
    Global   = 'api://AzureADTokenExchange'
    USGov    = 'api://AzureADTokenExchangeUSGov'
    USGovDoD = 'api://AzureADTokenExchangeUSGov'
    China    = 'api://AzureADTokenExchangeChina'
}

function Invoke-Graph {
    param([string]$Method = 'GET', [string]$Path, [hashtable]$Body, [hashtable]$Headers = @{})
    $request = @{ Method = $Method; Uri = "/v1.0/$Path"; OutputType = 'PSObject'; Headers = $Headers }
    if ($Body) {
        $request.Body = ConvertTo-Json -InputObject $Body -Depth 10
        $request.ContentType = 'application/json'
    }
    Invoke-MgGraphRequest @request
}

# What was made a moment ago may not be found yet: the directory needs some seconds to tell all its servers.
function Invoke-GraphPatiently {
    param([string]$Method = 'GET', [string]$Path, [hashtable]$Body, [hashtable]$Headers = @{})
    foreach ($attempt in 1..6) {
        try {
            return Invoke-Graph -Method $Method -Path $Path -Body $Body -Headers $Headers
        }
        catch {
            if ($attempt -eq 6) { throw }
            Start-Sleep -Seconds (2 * $attempt)
        }
    }
}

function Set-Registration {
    param([string]$Key, [hashtable]$Content)
    # Makes it when it is not there, and changes only what is named: certificates and secrets stay.
    $null = Invoke-Graph -Method PATCH -Path "applications(uniqueName='$Key')" -Body $Content -Headers @{ Prefer = 'create-if-missing' }
    Invoke-GraphPatiently -Path "applications(uniqueName='$Key')"
}

function Set-Principal {
    param([string]$AppId, [hashtable]$Content)
    $null = Invoke-GraphPatiently -Method PATCH -Path "servicePrincipals(appId='$AppId')" -Body $Content -Headers @{ Prefer = 'create-if-missing' }
    Invoke-GraphPatiently -Path "servicePrincipals(appId='$AppId')"
}

function Add-RoleAssignment {
    param([string]$PrincipalId, [string]$ResourceId, [string]$RoleId)
    $held = (Invoke-GraphPatiently -Path "servicePrincipals/$PrincipalId/appRoleAssignments").value
    if ($held | Where-Object { $_.resourceId -eq $ResourceId -and $_.appRoleId -eq $RoleId }) { return }
    $null = Invoke-GraphPatiently -Method POST -Path "servicePrincipals/$PrincipalId/appRoleAssignments" -Body @{
        principalId = $PrincipalId
        resourceId  = $ResourceId
        appRoleId   = $RoleId
    }
}

function Set-Federation {
    param([string]$ApplicationId, [string]$Tenant, [string]$Environment)
    $name = 'exosend-managed-identity'
    $content = @{
        issuer      = "$((Get-MgEnvironment -Name $Environment).AzureADEndpoint.TrimEnd('/'))/$Tenant/v2.0"
        subject     = "$ManagedIdentityPrincipalId"
        audiences   = @($federationAudiences[$Environment])
        description = 'The managed identity of the function app.'
    }
    $there = (Invoke-GraphPatiently -Path "applications/$ApplicationId/federatedIdentityCredentials").value |
        Where-Object { $_.name -eq $name }
    if ($there) {
        $null = Invoke-Graph -Method PATCH -Path "applications/$ApplicationId/federatedIdentityCredentials/$($there.id)" -Body $content
    }
    else {
        $null = Invoke-GraphPatiently -Method POST -Path "applications/$ApplicationId/federatedIdentityCredentials" -Body ($content + @{ name = $name })
    }
}

$context = Get-MgContext
if (-not $context) { throw 'No session with Microsoft Graph. Run Connect-MgGraph first, with the scope Application.ReadWrite.All.' }
$organization = (Invoke-Graph -Path 'organization').value[0]
$isThisTenant = $TenantId -eq $organization.id -or $organization.verifiedDomains.name -contains $TenantId
if (-not $isThisTenant) {
    throw "The session belongs to tenant $($organization.id), not to $TenantId. Run Connect-MgGraph -TenantId $TenantId."
}
if ($Caller.Count -gt 0 -and -not $CallerRoles) { throw '-Caller needs -CallerRoles: without that registration there is no role to give.' }

$permissions = @()
$exchange = $null
$sendAsApp = $null
if ($ClaimMode) {
    $exchange = Invoke-Graph -Path "servicePrincipals(appId='$exchangeOnlineAppId')"
    # Looked up by its value: wrong ids of this role are in circulation.
    $sendAsApp = $exchange.appRoles | Where-Object { $_.value -eq 'SMTP.SendAsApp' }
    if (-not $sendAsApp) { throw 'Exchange Online offers no role SMTP.SendAsApp in this tenant. Does it have Exchange Online at all?' }
    $permissions = @(@{ resourceAppId = $exchangeOnlineAppId; resourceAccess = @(@{ id = $sendAsApp.id; type = 'Role' }) })
}

$mailApp = $null
$mailPrincipal = $null
if ($PSCmdlet.ShouldProcess("app registration '$DisplayName' ($UniqueName)", 'Make it or bring it up to date')) {
    $mailApp = Set-Registration -Key $UniqueName -Content @{
        displayName                       = $DisplayName
        description                       = 'Sends mail through Exchange Online.'
        signInAudience                    = 'AzureADMyOrg'
        servicePrincipalLockConfiguration = @{ isEnabled = $true; allProperties = $true }
        requiredResourceAccess            = $permissions
    }
    $mailPrincipal = Set-Principal -AppId $mailApp.appId -Content @{ accountEnabled = $true }
}
if ($ManagedIdentityPrincipalId -and $mailApp -and
    $PSCmdlet.ShouldProcess("app registration '$DisplayName'", "Trust the managed identity $ManagedIdentityPrincipalId")) {
    Set-Federation -ApplicationId $mailApp.id -Tenant $organization.id -Environment $context.Environment
}
if ($ClaimMode -and $mailPrincipal -and
    $PSCmdlet.ShouldProcess("enterprise application '$DisplayName'", 'Consent to SMTP.SendAsApp')) {
    Add-RoleAssignment -PrincipalId $mailPrincipal.id -ResourceId $exchange.id -RoleId $sendAsApp.id
}

$api = $null
if ($CallerRoles -and $PSCmdlet.ShouldProcess("app registration '$DisplayName API'", 'Make it or bring it up to date')) {
    $api = Set-Registration -Key "$UniqueName-api" -Content @{
        displayName                       = "$DisplayName API"
        description                       = 'What callers of Exosend get tokens for.'
        signInAudience                    = 'AzureADMyOrg'
        servicePrincipalLockConfiguration = @{ isEnabled = $true; allProperties = $true }
        api                               = @{ requestedAccessTokenVersion = 2 }
        appRoles                          = @(
            @{
                id = $roleIds['Mail.Send']; value = 'Mail.Send'; displayName = 'Send mail'
                description = 'Send mail and see what became of it.'; allowedMemberTypes = @('Application'); isEnabled = $true
            }
            @{
                id = $roleIds['Mail.Operate']; value = 'Mail.Operate'; displayName = 'Operate'
                description = 'See and steer everything: all messages, status, probes and alerts.'
                allowedMemberTypes = @('Application', 'User'); isEnabled = $true
            }
        )
    }
    $apiPrincipal = Set-Principal -AppId $api.appId -Content @{ appRoleAssignmentRequired = $true }
    foreach ($id in $Caller) {
        if ($PSCmdlet.ShouldProcess("service principal $id", 'Give the role Mail.Send')) {
            Add-RoleAssignment -PrincipalId "$id" -ResourceId $apiPrincipal.id -RoleId $roleIds['Mail.Send']
        }
    }
}

[pscustomobject]@{
    TenantId                 = $organization.id
    MAIL_CLIENT_ID           = $mailApp.appId
    ServicePrincipalObjectId = $mailPrincipal.id
    EXOSEND_API_CLIENT_ID    = $api.appId
    Mode                     = if ($ClaimMode) { 'claim' } else { 'appRbac' }
}
