import type { FederatedToken } from '../domain/credential-ports.ts';
import { ServiceFailure } from '../domain/failure.ts';
import { azureCredential } from './azure-credential.ts';

/**
 * The managed identity's token that stands in for a secret of the app registration.
 * Source: Microsoft, "Configure an application to trust a managed identity".
 *
 * @param ownClientId identity of the app, where the credential names none
 */
export function federatedToken(ownClientId: string | undefined): FederatedToken {
  return async (clientId, audience) => {
    try {
      const credential = await azureCredential(clientId ?? ownClientId);
      const token = await credential.getToken(`${audience}/.default`);
      if (!token) throw new Error('the managed identity gave no token');
      return token.token;
    } catch (error) {
      const { message, statusCode } = error as { message?: unknown; statusCode?: unknown };
      throw new ServiceFailure(
        'managed identity: no token for the federated credential',
        {
          stage: 'identity',
          text: typeof message === 'string' ? message : String(error),
          ...(typeof statusCode === 'number' ? { httpStatus: statusCode } : {}),
        },
        { cause: error },
      );
    }
  };
}
