interface CatalogueEntry {
  status: number;
  title: string;
  /** The code on the wire where it differs from the key: one code that answers with two statuses. */
  code?: string;
}

/**
 * Every error a client can meet: its stable code, HTTP status, and the sentence a person reads. The list is closed;
 * `docs/errors.md`, the OpenAPI document and the client's types are held equal to it by tests.
 */
export const catalogue = {
  validation_failed: { status: 400, title: 'The request is not valid' },
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  malformed_request: { status: 400, title: 'The request cannot be understood' },
  link_invalid: { status: 400, title: 'Invalid token', code: 'token_invalid' },
  link_expired: { status: 400, title: 'Token has expired', code: 'token_expired' },
  unauthenticated: { status: 401, title: 'Authentication is required' },
  token_invalid: { status: 401, title: 'Invalid token' },
  token_expired: { status: 401, title: 'Token has expired' },
  session_revoked: { status: 401, title: 'The session has ended' },
  refresh_token_reused: { status: 401, title: 'The refresh token was used before; the session has ended' },
  invalid_credentials: { status: 401, title: 'Invalid email or password' },
  forbidden: { status: 403, title: 'Access denied' },
  csrf_failed: { status: 403, title: 'The request could not be verified as your own' },
  password_incorrect: { status: 403, title: 'The password is not correct' },
  recent_login_required: { status: 403, title: 'Enter your password again for this' },
  email_not_verified: { status: 403, title: 'The email address is not verified yet' },
  account_disabled: { status: 403, title: 'The account is disabled' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  email_taken: { status: 409, title: 'An account with this email address exists already' },
  too_many_tasks: { status: 409, title: 'There are as many tasks as an account can have' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  uri_too_long: { status: 414, title: 'The address is too long' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  too_many_requests: { status: 429, title: 'Too many requests, try again later' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal_error: { status: 500, title: 'Something went wrong' },
  overloaded: { status: 503, title: 'The service is busy, try again shortly' },
  unavailable: { status: 503, title: 'The service is not available at the moment' },
} as const satisfies Record<string, CatalogueEntry>;

/** What the code throws. */
export type ErrorKey = keyof typeof catalogue;

/** What the client reads. */
export type ErrorCode = Exclude<ErrorKey, 'link_invalid' | 'link_expired'>;

export function entryOf(key: ErrorKey): { code: ErrorCode; status: number; title: string } {
  const { status, title, code = key } = catalogue[key] as CatalogueEntry;
  return { code: code as ErrorCode, status, title };
}
