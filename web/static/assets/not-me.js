import { onSubmit } from './page.js';

onSubmit('/api/auth/not-me', {
  done: [
    'Your account is secured',
    'Every device is signed out. A letter with a link for a new password is on its way to you.',
  ],
  token_expired: [
    'This link has expired',
    'It worked for 72 hours. Ask for a new password on the sign-in page: that signs every device out as well. ' +
      'If you cannot get in any more, write to the people who run this service.',
  ],
  token_invalid: [
    'This link does not work',
    'It may have been cut off. Use the button in the letter, or ask for a new password on the sign-in page: ' +
      'that signs every device out as well.',
  ],
});
