#Requires -Version 7.2
#Requires -Modules ExchangeOnlineManagement
<#
.SYNOPSIS
Shows for each mailbox whether SMTP AUTH works, what decides it, and who still signs in with a password.

.DESCRIPTION
Reads only. A mailbox's own setting counts more than the tenant's; authentication policies and security defaults refuse
passwords (Basic) whatever both say, but not OAuth 2.0.

Who still uses passwords is found in Entra's sign-in logs (-IncludeSignIns), which need Entra ID P1 and go back 30 days.
The Exchange admin center's report "SMTP AUTH clients" shows the same from the other side.

.PARAMETER Mailbox
Only these mailboxes. All of them when left out.

.PARAMETER IncludeSignIns
Counts sign-ins with passwords over SMTP. Needs Connect-MgGraph with the scope AuditLog.Read.All.

.PARAMETER Days
How far back sign-ins are counted, in days.

.EXAMPLE
./Get-SmtpAuthReport.ps1 | Where-Object Works | Export-Csv ./smtp-auth.csv

.EXAMPLE
./Get-SmtpAuthReport.ps1 -IncludeSignIns | Where-Object BasicSignIns -gt 0 | Sort-Object BasicSignIns -Descending

.OUTPUTS
One object for each mailbox.
#>
[CmdletBinding()]
[OutputType([pscustomobject])]
param(
    [Parameter(ValueFromPipeline)]
    [string[]]$Mailbox = @(),

    [switch]$IncludeSignIns,

    [ValidateRange(1, 30)]
    [int]$Days = 7
)

begin {
    $ErrorActionPreference = 'Stop'
    $addresses = [System.Collections.Generic.List[string]]::new()

    # Whether security defaults are on; $null where the directory cannot be asked.
    function Get-SecurityDefault {
        if (-not ((Get-Command Invoke-MgGraphRequest -ErrorAction SilentlyContinue) -and (Get-MgContext))) { return $null }
        try {
            return [bool](Invoke-MgGraphRequest -Method GET -Uri '/v1.0/policies/identitySecurityDefaultsEnforcementPolicy' -OutputType PSObject).isEnabled
        }
        catch {
            Write-Warning "Security defaults could not be read ($($_.Exception.Message)). Connect-MgGraph needs the scope Policy.Read.All."
            return $null
        }
    }

    function Get-BasicSignIn {
        $since = [datetime]::UtcNow.AddDays(-$Days).ToString('yyyy-MM-ddTHH:mm:ssZ')
        $uri = "/v1.0/auditLogs/signIns?`$filter=clientAppUsed eq 'Authenticated SMTP' and createdDateTime ge $since&`$select=userPrincipalName&`$top=999"
        $counts = @{}
        while ($uri) {
            $page = Invoke-MgGraphRequest -Method GET -Uri $uri -OutputType PSObject
            foreach ($entry in $page.value) { $counts[$entry.userPrincipalName] = 1 + $counts[$entry.userPrincipalName] }
            $uri = $page.'@odata.nextLink'
        }
        return $counts
    }

    if (-not (Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' })) {
        throw 'No session with Exchange Online. Run Connect-ExchangeOnline first.'
    }
}

process {
    if ($Mailbox.Count -gt 0) { $addresses.AddRange([string[]]$Mailbox) }
}

end {
    $isTenantOff = [bool](Get-TransportConfig).SmtpClientAuthenticationDisabled
    $defaultPolicy = "$((Get-OrganizationConfig).DefaultAuthenticationPolicy)"
    $policies = @{}
    foreach ($policy in (Get-AuthenticationPolicy)) { $policies["$($policy.Name)"] = [bool]$policy.AllowBasicAuthSmtp }
    $securityDefaults = Get-SecurityDefault
    $signIns = if ($IncludeSignIns) { Get-BasicSignIn } else { $null }

    $mailboxes = if ($addresses.Count -gt 0) { $addresses | ForEach-Object { Get-CASMailbox -Identity $_ } }
    else { Get-CASMailbox -ResultSize Unlimited }

    foreach ($one in $mailboxes) {
        $own = $one.SmtpClientAuthenticationDisabled
        $works = -not ($null -eq $own ? $isTenantOff : [bool]$own)
        $user = Get-User -Identity $one.DistinguishedName -ErrorAction SilentlyContinue
        $policy = "$($user.AuthenticationPolicy)"
        if ($policy -eq '') { $policy = $defaultPolicy }
        $policyAllowsBasic = $policy -eq '' -or -not $policies.ContainsKey($policy) -or $policies[$policy]
        [pscustomobject]@{
            Mailbox              = "$($one.PrimarySmtpAddress)"
            Tenant               = $isTenantOff ? 'Disabled' : 'Enabled'
            Own                  = $null -eq $own ? 'Inherit' : ($own ? 'Disabled' : 'Enabled')
            Works                = $works
            AuthenticationPolicy = $policy
            SecurityDefaults     = $securityDefaults
            AllowsBasic          = $works -and $policyAllowsBasic -and $securityDefaults -ne $true
            BasicSignIns         = $null -eq $signIns ? $null : [int]$signIns["$($user.UserPrincipalName)"]
        }
    }
}
