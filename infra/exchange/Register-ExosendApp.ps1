#Requires -Version 7.2
#Requires -Modules ExchangeOnlineManagement
<#
.SYNOPSIS
Lets the Exosend app send as certain mailboxes, and as no others.

.DESCRIPTION
Makes the app known to Exchange Online and gives it the right to send over SMTP.

App RBAC (default): a mail-enabled security group holds the mailboxes, a management scope means the members of that group,
and the role "Application SMTP.SendAsApp" is assigned to the app within that scope. The app can send, and read nothing.

Claim mode (-ClaimMode): FullAccess on each mailbox, beside the API permission SMTP.SendAsApp in Entra ID. Do not mix the
two: with both, the app may do what either of them allows.

It changes only what is missing and can be run again. A change takes up to two hours to show.

Needs Connect-ExchangeOnline as a member of Organization Management, and Connect-MgGraph (scope Application.Read.All) to
look the app up in the directory.

.PARAMETER AppId
Application (client) id of the mail app.

.PARAMETER Mailbox
Mailboxes that the app sends from.

.PARAMETER ServicePrincipalObjectId
Object id of the enterprise application. Looked up when left out. The App registration's object id is refused: with it
everything seems to work, and every sign-in fails with 535 5.7.3.

.PARAMETER DisplayName
Name of the service principal in Exchange.

.PARAMETER GroupName
Name of the security group that holds the mailboxes (App RBAC).

.PARAMETER ScopeName
Name of the management scope (App RBAC).

.PARAMETER SendAs
Further addresses (mailboxes, groups, shared mailboxes) that the mailboxes may write as in From.

.PARAMETER ClaimMode
FullAccess in place of App RBAC.

.PARAMETER SkipDirectoryCheck
Takes -ServicePrincipalObjectId as it is, where there is no session with Microsoft Graph.

.EXAMPLE
Connect-ExchangeOnline; Connect-MgGraph -Scopes Application.Read.All
./Register-ExosendApp.ps1 -AppId 11111111-2222-3333-4444-555555555555 -Mailbox billing@contoso.com -WhatIf

.EXAMPLE
./Register-ExosendApp.ps1 -AppId 11111111-2222-3333-4444-555555555555 -Mailbox billing@contoso.com -SendAs shop@contoso.com

.OUTPUTS
One object for each mailbox: what it has now, and what was changed.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
[OutputType([pscustomobject])]
param(
    [Parameter(Mandatory)]
    [guid]$AppId,

    [Parameter(Mandatory)]
    [ValidateNotNullOrEmpty()]
    [string[]]$Mailbox,

    [Nullable[guid]]$ServicePrincipalObjectId,

    [string]$DisplayName = 'Exosend',

    [ValidateLength(1, 64)]
    [string]$GroupName = 'Exosend mailboxes',

    [ValidateLength(1, 64)]
    [string]$ScopeName = 'Exosend mailboxes',

    [string[]]$SendAs = @(),

    [switch]$ClaimMode,

    [switch]$SkipDirectoryCheck
)

$ErrorActionPreference = 'Stop'
$role = 'Application SMTP.SendAsApp'
$assignmentName = "Exosend SMTP $AppId"
$changes = [System.Collections.Generic.List[string]]::new()

function Test-Change {
    param([string]$Target, [string]$Action)
    if (-not $PSCmdlet.ShouldProcess($Target, $Action)) { return $false }
    $changes.Add("$Action ($Target)")
    return $true
}

# The object id that Exchange wants, checked against the directory.
function Get-PrincipalId {
    $hasGraph = (Get-Command Invoke-MgGraphRequest -ErrorAction SilentlyContinue) -and (Get-MgContext)
    if (-not $hasGraph) {
        if ($SkipDirectoryCheck -and $ServicePrincipalObjectId) {
            Write-Warning "Object id $ServicePrincipalObjectId was not checked. It has to be the enterprise application's, not the App registration's."
            return "$ServicePrincipalObjectId"
        }
        throw 'No session with Microsoft Graph. Run Connect-MgGraph -Scopes Application.Read.All, or give -ServicePrincipalObjectId with -SkipDirectoryCheck.'
    }
    try {
        $found = Invoke-MgGraphRequest -Method GET -Uri "/v1.0/servicePrincipals(appId='$AppId')" -OutputType PSObject
    }
    catch {
        throw "There is no enterprise application with application id $AppId in this tenant. Deploy infra/entra.bicep or run infra/entra/Register-ExosendEntraApp.ps1. ($($_.Exception.Message))"
    }
    if ($ServicePrincipalObjectId -and "$ServicePrincipalObjectId" -ne $found.id) {
        $registrationId = try {
            (Invoke-MgGraphRequest -Method GET -Uri "/v1.0/applications(appId='$AppId')" -OutputType PSObject).id
        }
        catch { '' }
        if ($registrationId -eq "$ServicePrincipalObjectId") {
            throw "$ServicePrincipalObjectId is the object id of the App registration. Exchange wants the enterprise application's: $($found.id)."
        }
        throw "$ServicePrincipalObjectId does not belong to application $AppId. The object id of its enterprise application is $($found.id)."
    }
    return $found.id
}

function Register-Principal {
    param([string]$ObjectId)
    $there = Get-ServicePrincipal | Where-Object { "$($_.AppId)" -eq "$AppId" }
    if ($there) {
        # Older tenants show the object id as ServiceId.
        $known = @("$($there.ObjectId)", "$($there.ServiceId)")
        if ($known -notcontains $ObjectId) {
            throw "Exchange knows application $AppId under another object id ($($known -join ' ')). Run Unregister-ExosendApp.ps1 -AppId $AppId, then this again."
        }
        return
    }
    if (Test-Change "application $AppId" 'Make the service principal known to Exchange') {
        $null = New-ServicePrincipal -AppId "$AppId" -ObjectId $ObjectId -DisplayName $DisplayName -Confirm:$false
    }
}

function Grant-ByScope {
    param([string]$ObjectId)
    $group = Get-DistributionGroup -Identity $GroupName -ErrorAction SilentlyContinue
    if (-not $group -and (Test-Change "security group '$GroupName'" 'Make the group')) {
        $group = New-DistributionGroup -Name $GroupName -Type Security -MemberJoinRestriction Closed -MemberDepartRestriction Closed -Notes 'Mailboxes that the Exosend app sends from.' -Confirm:$false
    }
    $members = @(if ($group) { Get-DistributionGroupMember -Identity $GroupName -ResultSize Unlimited | ForEach-Object { "$($_.PrimarySmtpAddress)" } })
    foreach ($address in $Mailbox) {
        $primary = "$((Get-EXOMailbox -Identity $address).PrimarySmtpAddress)"
        if ($members -notcontains $primary -and (Test-Change "security group '$GroupName'" "Add $primary")) {
            Add-DistributionGroupMember -Identity $GroupName -Member $primary -BypassSecurityGroupManagerCheck -Confirm:$false
        }
    }
    if (-not $group) { return }
    $filter = "MemberOfGroup -eq '$($group.DistinguishedName.Replace("'", "''"))'"
    $scope = Get-ManagementScope -Identity $ScopeName -ErrorAction SilentlyContinue
    if (-not $scope -and (Test-Change "management scope '$ScopeName'" "Make the scope: $filter")) {
        $null = New-ManagementScope -Name $ScopeName -RecipientRestrictionFilter $filter -Confirm:$false
    }
    if ($scope -and "$($scope.RecipientFilter)" -notlike '*MemberOfGroup*') {
        throw "The management scope '$ScopeName' is there already and means something else ($($scope.RecipientFilter)). Give another -ScopeName."
    }
    $assignment = Get-ManagementRoleAssignment -Identity $assignmentName -ErrorAction SilentlyContinue
    if (-not $assignment -and (Test-Change "application $AppId" "Assign '$role' within '$ScopeName'")) {
        $null = New-ManagementRoleAssignment -Name $assignmentName -Role $role -App $ObjectId -CustomResourceScope $ScopeName -Confirm:$false
    }
}

function Grant-ByPermission {
    param([string]$ObjectId)
    foreach ($address in $Mailbox) {
        $held = Get-MailboxPermission -Identity $address -User $ObjectId -ErrorAction SilentlyContinue
        if ($held.AccessRights -notcontains 'FullAccess' -and (Test-Change $address 'Give the app FullAccess')) {
            $null = Add-MailboxPermission -Identity $address -User $ObjectId -AccessRights FullAccess -AutoMapping $false -Confirm:$false
        }
    }
}

if (-not (Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' })) {
    throw 'No session with Exchange Online. Run Connect-ExchangeOnline first.'
}
$objectId = Get-PrincipalId
Register-Principal -ObjectId $objectId
if ($ClaimMode) { Grant-ByPermission -ObjectId $objectId } else { Grant-ByScope -ObjectId $objectId }

foreach ($address in $SendAs) {
    foreach ($trustee in $Mailbox) {
        $held = Get-RecipientPermission -Identity $address -Trustee $trustee -ErrorAction SilentlyContinue
        if ($held.AccessRights -notcontains 'SendAs' -and (Test-Change $address "Let $trustee send as this address")) {
            $null = Add-RecipientPermission -Identity $address -Trustee $trustee -AccessRights SendAs -Confirm:$false
        }
    }
}

if ($changes.Count -gt 0) {
    Write-Warning 'Exchange needs up to two hours to follow. Until then sign-ins may fail with 535 5.7.3.'
}
foreach ($address in $Mailbox) {
    [pscustomobject]@{
        Mailbox                  = $address
        AppId                    = "$AppId"
        ServicePrincipalObjectId = $objectId
        Mode                     = if ($ClaimMode) { 'claim' } else { 'appRbac' }
        SendAs                   = $SendAs
        Changes                  = $changes.ToArray()
    }
}
