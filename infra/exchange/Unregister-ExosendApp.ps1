#Requires -Version 7.2
#Requires -Modules ExchangeOnlineManagement
<#
.SYNOPSIS
Takes back what Register-ExosendApp.ps1 gave. Mail stops at once, or up to two hours later.

.DESCRIPTION
Removes the role assignment, the management scope, the group, FullAccess and SendAs, and at last the service principal in
Exchange. Nothing in Entra ID is touched, and no mailbox. What is not there is passed over, so it can be run again.

.PARAMETER AppId
Application (client) id of the mail app.

.PARAMETER Mailbox
Mailboxes whose FullAccess (claim mode) and SendAs are taken back.

.PARAMETER SendAs
Addresses whose SendAs is taken back from the mailboxes.

.PARAMETER GroupName
Name of the security group, as given to Register-ExosendApp.ps1.

.PARAMETER ScopeName
Name of the management scope, as given to Register-ExosendApp.ps1.

.PARAMETER KeepGroup
Leaves the group and its members.

.EXAMPLE
./Unregister-ExosendApp.ps1 -AppId 11111111-2222-3333-4444-555555555555 -WhatIf

.OUTPUTS
One object for each thing that was removed.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
[OutputType([pscustomobject])]
param(
    [Parameter(Mandatory)]
    [guid]$AppId,

    [string[]]$Mailbox = @(),

    [string[]]$SendAs = @(),

    [string]$GroupName = 'Exosend mailboxes',

    [string]$ScopeName = 'Exosend mailboxes',

    [switch]$KeepGroup
)

$ErrorActionPreference = 'Stop'
$assignmentName = "Exosend SMTP $AppId"

if (-not (Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' })) {
    throw 'No session with Exchange Online. Run Connect-ExchangeOnline first.'
}

$principal = Get-ServicePrincipal | Where-Object { "$($_.AppId)" -eq "$AppId" } | Select-Object -First 1
$objectId = "$($principal.ObjectId)"
if ($objectId -eq '') { $objectId = "$($principal.ServiceId)" }

if ((Get-ManagementRoleAssignment -Identity $assignmentName -ErrorAction SilentlyContinue) -and
    $PSCmdlet.ShouldProcess($assignmentName, 'Remove the role assignment')) {
    Remove-ManagementRoleAssignment -Identity $assignmentName -Confirm:$false
    [pscustomobject]@{ Kind = 'role assignment'; Name = $assignmentName }
}

if ((Get-ManagementScope -Identity $ScopeName -ErrorAction SilentlyContinue) -and
    $PSCmdlet.ShouldProcess($ScopeName, 'Remove the management scope')) {
    Remove-ManagementScope -Identity $ScopeName -Confirm:$false
    [pscustomobject]@{ Kind = 'management scope'; Name = $ScopeName }
}

if (-not $KeepGroup -and (Get-DistributionGroup -Identity $GroupName -ErrorAction SilentlyContinue) -and
    $PSCmdlet.ShouldProcess($GroupName, 'Remove the security group')) {
    Remove-DistributionGroup -Identity $GroupName -BypassSecurityGroupManagerCheck -Confirm:$false
    [pscustomobject]@{ Kind = 'security group'; Name = $GroupName }
}

foreach ($address in $Mailbox) {
    $held = if ($objectId) { Get-MailboxPermission -Identity $address -User $objectId -ErrorAction SilentlyContinue }
    if ($held.AccessRights -contains 'FullAccess' -and $PSCmdlet.ShouldProcess($address, 'Take FullAccess back')) {
        Remove-MailboxPermission -Identity $address -User $objectId -AccessRights FullAccess -Confirm:$false
        [pscustomobject]@{ Kind = 'FullAccess'; Name = $address }
    }
    foreach ($other in $SendAs) {
        $held = Get-RecipientPermission -Identity $other -Trustee $address -ErrorAction SilentlyContinue
        if ($held.AccessRights -contains 'SendAs' -and $PSCmdlet.ShouldProcess($other, "Take SendAs back from $address")) {
            Remove-RecipientPermission -Identity $other -Trustee $address -AccessRights SendAs -Confirm:$false
            [pscustomobject]@{ Kind = 'SendAs'; Name = "$other by $address" }
        }
    }
}

if ($principal -and $PSCmdlet.ShouldProcess("application $AppId", 'Remove the service principal from Exchange')) {
    Remove-ServicePrincipal -Identity $objectId -Confirm:$false
    [pscustomobject]@{ Kind = 'service principal'; Name = $objectId }
}
