import { type PhaseOutcome, runPhase } from '../../domain/probe-phase.ts';
import { hasManagedIdentity, type SureCredential } from '../azure-credential.ts';
import { freshIdentity } from './fresh-identity.ts';

/** Vault domains whose tokens are for `https://<domain>` (Microsoft, "Azure Key Vault security worlds and DNS suffixes"). */
const VAULT_DOMAINS = ['vault.azure.net', 'vault.azure.cn', 'vault.usgovcloudapi.net', 'managedhsm.azure.net'];

/**
 * Phase `identity`: a token of the app's own identity for one resource, asked anew.
 *
 * @param clientId of a user-assigned identity; undefined = system-assigned
 * @param resource e.g. that of `vaultResource`, or `api://AzureADTokenExchange` for a federated credential
 * @returns the identity, which has the token and gives it to the phases after this one
 */
export function identityPhase(
  clientId: string | undefined,
  resource: string,
  identity: SureCredential = freshIdentity(clientId),
): Promise<PhaseOutcome<SureCredential>> {
  return runPhase('identity', async () => {
    const { expiresOnTimestamp } = await identity.getToken(`${resource}/.default`);
    const minutes = Math.floor((expiresOnTimestamp - Date.now()) / 60_000);
    const who = !hasManagedIdentity()
      ? 'the Azure CLI’s sign-in'
      : clientId === undefined
        ? 'the system-assigned identity'
        : `the user-assigned identity ${clientId}`;
    return { value: identity, detail: `${who} has a token for ${resource}, good for ${minutes} min` };
  });
}

/** What a token for this vault is asked for. */
export function vaultResource(vaultUrl: string): string {
  const host = URL.parse(vaultUrl)?.hostname ?? '';
  return `https://${VAULT_DOMAINS.find(domain => host.endsWith(`.${domain}`)) ?? VAULT_DOMAINS[0]}`;
}
