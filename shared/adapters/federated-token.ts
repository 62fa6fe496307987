import type { FederatedToken } from '../domain/credential-ports.ts';
import { azureCredential } from './azure-credential.ts';

/**
 * The managed identity's token that stands in for a secret of the app registration. Throws ServiceFailure of stage `identity`.
 * Source: Microsoft, "Configure an application to trust a managed identity".
 *
 * @param ownClientId identity of the app, where the credential names none
 */
export function federatedToken(ownClientId: string | undefined): FederatedToken {
  return async (clientId, audience) => {
    const credential = await azureCredential(clientId ?? ownClientId);
    const { token } = await credential.getToken(`${audience}/.default`);
    return token;
  };
}
