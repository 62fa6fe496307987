import type { HttpHandler } from '@azure/functions';
import { jsonAnswer } from './http-answer.ts';

/** `GET /api/openapi.json` */
export function openApi(): HttpHandler {
  return async () => jsonAnswer(200, { openapi: '3.1.0' });
}

/** `GET /api/docs` */
export function docsPage(): HttpHandler {
  return async () => jsonAnswer(200, {});
}
