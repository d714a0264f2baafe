import type { paths } from '../src/schema.js';

/**
 * Where nobody is asked who they are: no session is renewed for these, and what they answer says nothing about one. A test
 * holds the list to the OpenAPI document.
 */
export const PUBLIC_PATHS: ReadonlySet<string> = new Set<keyof paths>([
  '/.well-known/jwks.json',
  '/api/auth/change-email/confirm',
  '/api/auth/login',
  '/api/auth/not-me',
  '/api/auth/refresh',
  '/api/auth/register',
  '/api/auth/reset-confirm',
  '/api/auth/reset-request',
  '/api/auth/verify',
  '/api/auth/verify/resend',
  '/api/auth/verify/{token}',
  '/api/status',
  '/health',
  '/health/live',
  '/health/ready',
  '/metrics',
]);
