import { gatehouse } from '../session/client';
import { LinkPage, SignInLink, type Outcomes } from './link-page';

const OUTCOMES: Outcomes = {
  done: ['Your address is verified', 'You can close this page and sign in.'],
  token_expired: [
    'This link has expired',
    'It worked for 24 hours. Sign in with your password, and you can ask for a new letter.',
  ],
  token_invalid: [
    'This link does not work',
    'It may have been replaced by a newer one. Use the link of the latest letter.',
  ],
};

export function VerifyEmailPage() {
  return (
    <LinkPage
      title="Verify your email address"
      intro={<p>One click and your account is ready.</p>}
      submit="Verify my address"
      outcomes={OUTCOMES}
      onward={{ done: <SignInLink />, token_expired: <SignInLink /> }}
      spend={(token) => gatehouse.api.POST('/api/auth/verify', { body: { token } })}
    />
  );
}
