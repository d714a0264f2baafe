import { useState } from 'react';
import { EmailField } from '../forms/email-field';
import { DevelopmentMailbox } from '../parts/development-mailbox';
import { Form, type Values } from '../forms/form';
import { Heading } from '../parts/heading';
import { Link } from '../routing/router';
import { gatehouse } from '../session/client';

export function ForgotPasswordPage() {
  const [sentTo, setSentTo] = useState<string>();
  const ask = async ({ email = '' }: Values) => {
    const { error } = await gatehouse.api.POST('/api/auth/reset-request', { body: { email } });
    if (!error) setSentTo(email);
    return error;
  };
  if (sentTo !== undefined) return <LetterIsOnItsWay email={sentTo} />;
  return (
    <div className="card narrow">
      <Heading>Forgot your password?</Heading>
      <p>Tell us your email address, and we send you a link for a new password.</p>
      <Form submit="Send the link" onSubmit={ask}>
        <EmailField />
      </Form>
      <ul className="ways">
        <li>
          <Link href="/login">Back to sign in</Link>
        </li>
      </ul>
    </div>
  );
}

/** The same whether there is such an account: who has one is nobody's business. */
function LetterIsOnItsWay({ email }: { email: string }) {
  return (
    <div className="card narrow">
      <Heading>Check your mail</Heading>
      <p>
        If there is an account with the address <strong>{email}</strong>, a letter with a link is on its way.
        The link works for an hour.
      </p>
      <DevelopmentMailbox />
      <ul className="ways">
        <li>
          <Link href="/login">Back to sign in</Link>
        </li>
      </ul>
    </div>
  );
}
