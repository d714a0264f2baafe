import { onSubmit } from './page.js';

onSubmit('/api/auth/verify', {
  done: ['Your address is verified', 'You can close this page and sign in.'],
  token_expired: ['This link has expired', 'Ask for a new letter and use the link in it within 24 hours.'],
  token_invalid: [
    'This link does not work',
    'It may have been replaced by a newer one. Use the link of the latest letter.',
  ],
});
