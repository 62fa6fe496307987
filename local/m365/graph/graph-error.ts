import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '../http-server.ts';

const error = (status: number, code: string, message: string): HttpAnswer => ({
  status,
  body: {
    error: { code, message, innerError: { date: new Date().toISOString().slice(0, 19), 'request-id': randomUUID() } },
  },
});

/** Refusals as Microsoft Graph words them. Source: its error reference and messages in public issues. */
export const graphErrors = {
  noToken: () => error(401, 'InvalidAuthenticationToken', 'Access token is empty.'),
  badToken: () => error(401, 'InvalidAuthenticationToken', 'Access token validation failure. Invalid audience.'),
  expiredToken: () => error(401, 'InvalidAuthenticationToken', 'Lifetime validation failed, the token is expired.'),
  /** A proof of possession that does not hold is told apart from nothing: the text speaks of the token. */
  badProof: () => error(401, 'Authentication_MissingOrMalformed', 'Access Token missing or malformed.'),
  denied: () => error(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'),
  noSuchObject: (id: string) =>
    error(
      404,
      'Request_ResourceNotFound',
      `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
    ),
  noSuchCall: () => error(400, 'BadRequest', 'Resource not found for the segment.'),
  badRequest: (message: string) => error(400, 'Request_BadRequest', message),
};
