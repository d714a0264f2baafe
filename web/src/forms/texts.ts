/** What people read of each error code. The title and detail of the service are written for programmers. */
export const TEXTS = {
  validation_failed: 'Some of it is not right yet. Please check the marked fields.',
  malformed_json: 'This page and the service did not understand each other. Reload the page and try again.',
  malformed_request:
    'This page and the service did not understand each other. Reload the page and try again.',
  token_invalid: 'You are not signed in any more. Please sign in again.',
  token_expired: 'You are not signed in any more. Please sign in again.',
  unauthenticated: 'You are not signed in. Please sign in and try again.',
  session_revoked: 'You were signed out. Please sign in again.',
  refresh_token_reused: 'You were signed out for your safety. Please sign in again.',
  invalid_credentials: 'The email address or the password is wrong.',
  forbidden: 'This belongs to another account.',
  csrf_failed: 'The service could not tell that this came from you. Reload the page and try again.',
  password_incorrect: 'The password is wrong.',
  recent_login_required: 'Please enter your password again for this.',
  email_not_verified: 'Your email address is not verified yet. Use the link in the letter that we sent you.',
  account_disabled: 'This account is disabled. Write to the people who run this service.',
  not_found: 'This is not there any more.',
  method_not_allowed:
    'This page and the service did not understand each other. Reload the page and try again.',
  request_timeout: 'The connection was too slow. Please try again.',
  email_taken: 'There is an account with this email address already.',
  too_many_tasks: 'Your list is full. Delete a task to make room for another one.',
  payload_too_large: 'This is too much at once. Please shorten it.',
  uri_too_long: 'The address is too long.',
  unsupported_media_type:
    'This page and the service did not understand each other. Reload the page and try again.',
  too_many_requests: 'That was too often in a short time.',
  headers_too_large: 'Your browser sent too much at once. Clear the cookies of this site and try again.',
  internal_error: 'Something went wrong on our side. Please try again in a moment.',
  overloaded: 'The service is very busy. Please try again in a few seconds.',
  unavailable: 'The service is not available at the moment. Please try again in a few seconds.',
  unreachable: 'The service could not be reached. Please try again in a moment.',
};

export const OFFLINE = 'You are offline. Please try again when you are connected.';

/** For a code that is newer than this page. */
export const UNKNOWN = 'That did not work. Please try again in a moment.';

/** What the service says against a field, as a sentence about it. */
export function fieldText(label: string, { code, message }: { code: string; message: string }): string {
  const text = FIELD_TEXTS[code];
  if (text) return text;
  return `${label} ${message.replace(/\.$/, '')}.`;
}

const FIELD_TEXTS: Record<string, string> = {
  invalid_email: 'Enter an email address such as name@example.org.',
  same_as_current: 'This is the address of your account already.',
  breached: 'This password is known from a data breach. Choose another one.',
  too_common: 'This is one of the most common passwords. Choose another one.',
};

/** A length of time to wait, rounded up. */
export function waitText(seconds: number): string {
  const rest = Math.max(1, Math.ceil(seconds));
  if (rest < 60) return rest === 1 ? '1 second' : `${rest} seconds`;
  const minutes = Math.ceil(rest / 60);
  if (minutes < 120) return minutes === 1 ? '1 minute' : `${minutes} minutes`;
  return `${Math.ceil(minutes / 60)} hours`;
}

/** The same, as a clock shows it. */
export function clockText(seconds: number): string {
  const rest = Math.max(0, Math.ceil(seconds));
  const [hours, minutes] = [Math.floor(rest / 3600), Math.floor((rest % 3600) / 60)];
  const two = (part: number) => String(part).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest % 60)}` : `${minutes}:${two(rest % 60)}`;
}
