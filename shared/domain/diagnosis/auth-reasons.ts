/** One possible reason for `535 5.7.3`, with the check that confirms or rules it out. */
export interface AuthReason {
  /** Stable snake_case name. */
  readonly id: string;
  readonly reason: string;
  /** What to run or look at. */
  readonly check: string;
  /** What the check shows when this is not the reason. */
  readonly expected: string;
  /** What to do when it is. */
  readonly fix: string;
}

/** How the app was authorised: by App RBAC in Exchange, or by an Entra permission (claim) plus mailbox permissions. */
export type AuthorizationMode = 'appRbac' | 'claim';

const REASONS: readonly (AuthReason & { readonly mode?: AuthorizationMode })[] = [
  {
    id: 'wrong_audience',
    reason: 'The token was issued for another service, for example for Microsoft Graph.',
    check: 'Setting `MAIL_TOKEN_SCOPE`; claim `aud` in the token (the probe’s phase `token` shows it).',
    expected: '`https://outlook.office365.com/.default`, and `aud` = `https://outlook.office365.com`.',
    fix: '`az functionapp config appsettings set --name <app> --resource-group <group> --settings MAIL_TOKEN_SCOPE=https://outlook.office365.com/.default`',
  },
  {
    id: 'service_principal_not_registered',
    reason: 'Exchange does not know the app: `New-ServicePrincipal` was never run.',
    check: '`Get-ServicePrincipal | Where-Object AppId -eq "<appId>" | Format-List DisplayName, AppId, ObjectId`',
    expected: 'One entry with the app’s client id.',
    fix: '`New-ServicePrincipal -AppId <appId> -ObjectId <enterpriseAppObjectId> -DisplayName "Exosend"`',
  },
  {
    id: 'wrong_object_id',
    reason:
      'The app was registered in Exchange with the object id of the app registration in place of the enterprise application’s.',
    check:
      '`Get-ServicePrincipal | Format-List AppId, ObjectId` against `az ad sp show --id <appId> --query id -o tsv`',
    expected: 'Both object ids are the same.',
    fix: '`Remove-ServicePrincipal -Identity <wrongObjectId>`, then `New-ServicePrincipal -AppId <appId> -ObjectId <enterpriseAppObjectId> -DisplayName "Exosend"`, and give the permissions again.',
  },
  {
    id: 'no_role_assignment',
    mode: 'appRbac',
    reason: 'The app has no role that lets it send over SMTP.',
    check:
      '`Get-ManagementRoleAssignment -RoleAssignee <enterpriseAppObjectId> | Format-List Role, CustomResourceScope`',
    expected: 'An assignment of `Application SMTP.SendAsApp`.',
    fix: '`New-ManagementRoleAssignment -App <appId> -Role "Application SMTP.SendAsApp" -CustomResourceScope "<scope>"`',
  },
  {
    id: 'mailbox_out_of_scope',
    mode: 'appRbac',
    reason: 'The role is there, and its scope does not include this mailbox.',
    check:
      '`Test-ServicePrincipalAuthorization -Identity <appId> -Resource <mailbox> | Format-Table RoleName, InScope`',
    expected: '`Application SMTP.SendAsApp` with InScope True.',
    fix: 'Widen the filter: `Set-ManagementScope -Identity "<scope>" -RecipientRestrictionFilter "<filter>"`, or give the mailbox what the filter asks for.',
  },
  {
    id: 'no_permission_or_consent',
    mode: 'claim',
    reason: 'The permission SMTP.SendAsApp was not added, or no administrator has consented.',
    check: 'Claim `roles` in the token (the probe’s phase `token` shows it).',
    expected: '`SMTP.SendAsApp`.',
    fix: 'Entra admin center, App registrations, your app, API permissions, Office 365 Exchange Online, Application permissions, SMTP.SendAsApp; then `az ad app permission admin-consent --id <appId>`.',
  },
  {
    id: 'no_mailbox_permission',
    mode: 'claim',
    reason: 'The app’s service principal has no permission on the mailbox.',
    check: '`Get-MailboxPermission -Identity <mailbox> -User <enterpriseAppObjectId>`',
    expected: 'AccessRights FullAccess, Deny False.',
    fix: '`Add-MailboxPermission -Identity <mailbox> -User <enterpriseAppObjectId> -AccessRights FullAccess`',
  },
  {
    id: 'both_modes_mixed',
    reason:
      'The token carries the claim SMTP.SendAsApp although the app is authorised by App RBAC; Exchange then asks for a mailbox permission that is not there.',
    check: 'Claim `roles` in the token, and `Get-ManagementRoleAssignment -RoleAssignee <enterpriseAppObjectId>`.',
    expected: 'One of the two, not both.',
    fix: 'Remove SMTP.SendAsApp from the app’s API permissions and its consent, and keep the role assignment.',
  },
  {
    id: 'still_propagating',
    reason: 'A permission was changed within the last two hours and has not reached every server.',
    check:
      'When the last change was made: `Search-UnifiedAuditLog -StartDate <date> -EndDate <date> -Operations New-ManagementRoleAssignment,Add-MailboxPermission,New-ServicePrincipal`',
    expected: 'No change within two hours.',
    fix: 'Wait, and change nothing else meanwhile. The probe tells when it works.',
  },
  {
    id: 'wrong_mailbox_address',
    reason:
      'The address used in the sign-in is not that of a mailbox: an alias, a group, or a mailbox that was removed.',
    check: '`Get-EXOMailbox -Identity <mailbox> | Format-List PrimarySmtpAddress, RecipientTypeDetails`',
    expected: 'A UserMailbox or SharedMailbox with that PrimarySmtpAddress.',
    fix: 'Put the primary address into `mailbox` in `MAIL_SENDERS` (or `MAIL_MAILBOX`).',
  },
  {
    id: 'token_expired',
    reason: 'The token had expired when it was used. Exosend fetches a new one once and tries again, so this is rare.',
    check: 'The probe’s phase `token`: the end of the token and this machine’s clock.',
    expected: 'The end lies in the future.',
    fix: 'Set the clock of the machine; in Azure `az functionapp restart --name <app> --resource-group <group>`.',
  },
];

/**
 * The reasons that `535 5.7.3 Authentication unsuccessful` can have, in the order in which to check them: what costs
 * one look first, then what is wrong most often. Exchange itself does not tell them apart.
 *
 * @param mode leaves out the reasons of the other way of authorising; default: all
 * Source: Microsoft, SMTP OAuth and App RBAC onboarding pages; MailKit#1126, MailKit#1733 (read 2026-11).
 */
export function reasonsFor535(mode?: AuthorizationMode): readonly AuthReason[] {
  return REASONS.filter(reason => mode === undefined || reason.mode === undefined || reason.mode === mode).map(
    ({ id, reason, check, expected, fix }) => ({ id, reason, check, expected, fix }),
  );
}
