import { gatehouse } from '../session/client';
import { LinkPage, NewLetterLink, type Outcomes } from './link-page';

const OUTCOMES: Outcomes = {
  done: [
    'Your account is secured',
    'Every device is signed out. A letter with a link for a new password is on its way to you.',
  ],
  token_expired: [
    'This link has expired',
    'It worked for 72 hours. Ask for a new password: that signs every device out as well. ' +
      'If you cannot get in any more, write to the people who run this service.',
  ],
  token_invalid: [
    'This link does not work',
    'It may have been cut off. Use the button in the letter, or ask for a new password: that signs every device out as well.',
  ],
};

export function NotMePage() {
  return (
    <LinkPage
      title="Was this not you?"
      intro={
        <>
          <p>One click takes your account back:</p>
          <ul>
            <li>every device is signed out,</li>
            <li>a change of the email address is stopped or taken back,</li>
            <li>the old password stops working,</li>
            <li>a link for a new one is sent to the address that received the letter.</li>
          </ul>
          <p>If it was you, close this page: nothing has happened.</p>
        </>
      }
      submit="Secure my account"
      isDangerous
      outcomes={OUTCOMES}
      onward={{ token_expired: <NewLetterLink />, token_invalid: <NewLetterLink /> }}
      spend={(token) => gatehouse.api.POST('/api/auth/not-me', { body: { token } })}
    />
  );
}
