import { PasswordField } from '../forms/password-field';
import { gatehouse } from '../session/client';
import { LinkPage, NewLetterLink, SignInLink, type Outcomes } from './link-page';

const OUTCOMES: Outcomes = {
  done: ['Your new password is set', 'Every device is signed out. You can close this page and sign in.'],
  token_expired: ['This link has expired', 'Ask for a new letter and use the link in it within an hour.'],
  token_invalid: [
    'This link does not work',
    'It may have been used already, or replaced by a newer one. Use the link of the latest letter, or ask for a new one.',
  ],
};

export function ResetPasswordPage() {
  return (
    <LinkPage
      title="Choose a new password"
      intro={<p>Every device will be signed out. Then sign in with the new password.</p>}
      submit="Set new password"
      outcomes={OUTCOMES}
      onward={{ done: <SignInLink />, token_expired: <NewLetterLink />, token_invalid: <NewLetterLink /> }}
      spend={(token, { password = '' }) =>
        gatehouse.api.POST('/api/auth/reset-confirm', { body: { token, password } })
      }
    >
      <PasswordField
        name="password"
        label="New password"
        autoComplete="new-password"
        isNew
        required="Enter a new password."
      />
    </LinkPage>
  );
}
