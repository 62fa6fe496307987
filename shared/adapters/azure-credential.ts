import type { TokenCredential } from '@azure/identity';

const credentials = new Map<string, Promise<TokenCredential>>();

/**
 * The app's own identity towards Azure: the managed identity where App Service offers one (IDENTITY_ENDPOINT),
 * otherwise, on a laptop, whoever is signed in to the Azure CLI. One credential per identity, so that its token
 * cache is shared by Key Vault and storage.
 *
 * @param clientId of a user-assigned identity; undefined = system-assigned
 */
export function azureCredential(clientId: string | undefined): Promise<TokenCredential> {
  const key = `${clientId ?? ''}`;
  let credential = credentials.get(key);
  if (!credential) {
    credential = createCredential(clientId);
    credentials.set(key, credential);
    credential.catch(() => credentials.delete(key));
  }
  return credential;
}

async function createCredential(clientId: string | undefined): Promise<TokenCredential> {
  const { AzureCliCredential, ManagedIdentityCredential } = await import('@azure/identity');
  // The Azure SDK reads these two variables itself; they are not settings of ours.
  if (process.env['IDENTITY_ENDPOINT'] === undefined && process.env['MSI_ENDPOINT'] === undefined)
    return new AzureCliCredential();
  return clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
}
