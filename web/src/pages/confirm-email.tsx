import { gatehouse } from '../session/client';
import { LinkPage, SignInLink, type Outcomes } from './link-page';

const OUTCOMES: Outcomes = {
  done: ['Your new address is confirmed', 'From now on, sign in with it. You can close this page.'],
  token_expired: [
    'This link has expired',
    'Your account keeps its old address. Ask for the change once more and use the new link within 24 hours.',
  ],
  token_invalid: [
    'This link does not work',
    'The change may have been stopped, or replaced by a newer one. Use the link of the latest letter.',
  ],
};

export function ConfirmEmailPage() {
  return (
    <LinkPage
      title="Confirm your new address"
      intro={<p>One click and your account moves to the address that received the letter.</p>}
      submit="Confirm this address"
      outcomes={OUTCOMES}
      onward={{ done: <SignInLink /> }}
      spend={(token) => gatehouse.api.POST('/api/auth/change-email/confirm', { body: { token } })}
    />
  );
}
