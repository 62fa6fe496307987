import { createHash } from 'node:crypto';
import type { HttpHandler, HttpResponseInit } from '@azure/functions';
import { type CallerAuth, callerAuthOf } from './caller.ts';

/** The built page. `scripts/build.ts` puts it in place of this name. */
declare const DASHBOARD_PAGE: string;

let answer: HttpResponseInit | undefined;

/** `GET /api/dashboard`: a shell without data, the same for everyone. It asks for the key and calls the API with it. */
export function dashboard(): HttpHandler {
  return async () => {
    answer ??= dashboardAnswer(DASHBOARD_PAGE, callerAuthOf(process.env));
    return answer;
  };
}

/**
 * The page with the policy that fits it: nothing but its own style and script, nothing loaded but from this app, and no
 * text ever taken for markup (Trusted Types). The page learns by `data-auth` how callers prove themselves.
 */
export function dashboardAnswer(page: string, auth: CallerAuth): HttpResponseInit {
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(page, 'style')}'`,
    `script-src '${hashOf(page, 'script')}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.join('; '),
      'cache-control': 'no-store',
      // Not `no-referrer`: App Service authentication looks at where a POST with its cookie comes from.
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    },
    body: page.replace('data-auth="key"', `data-auth="${auth}"`),
  };
}

function hashOf(page: string, tag: 'style' | 'script'): string {
  const text = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(page)?.[1] ?? '';
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
