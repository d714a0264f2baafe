import { onSubmit } from './page.js';

onSubmit('/api/auth/change-email/confirm', {
  done: ['Your new address is confirmed', 'From now on, sign in with it. You can close this page.'],
  token_expired: [
    'This link has expired',
    'Your account keeps its old address. Ask for the change once more and use the new link within 24 hours.',
  ],
  token_invalid: [
    'This link does not work',
    'The change may have been stopped, or replaced by a newer one. Use the link of the latest letter.',
  ],
});
