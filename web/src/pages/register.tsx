import { createClient } from 'gatehouse-client';
import { useState } from 'react';
import { Field } from '../forms/field';
import { EmailField } from '../forms/email-field';
import { DevelopmentMailbox } from '../parts/development-mailbox';
import { Form, type Values } from '../forms/form';
import { PasswordField } from '../forms/password-field';
import { Heading } from '../parts/heading';
import { Link } from '../routing/router';
import { SignedOut } from '../session/guards';
import { useSession } from '../session/session';
import { ResendLetter } from './resend-letter';

export function RegisterPage() {
  const [sentTo, setSentTo] = useState<string>();
  return (
    <SignedOut>
      {sentTo === undefined ? <Register onSent={setSentTo} /> : <CheckYourMail email={sentTo} />}
    </SignedOut>
  );
}

function Register({ onSent }: { onSent: (email: string) => void }) {
  const { signIn } = useSession();
  const [about, setAbout] = useState<string[]>([]);
  const register = async ({ email = '', password = '', name = '' }: Values) => {
    // Where no letter is needed the answer is a bearer session, which is for programs: this client ends it.
    const client = createClient();
    const account = { email, password, ...(name.trim() === '' ? {} : { name: name.trim() }) };
    const { data, error } = await client.register(account);
    if (data && !data.verificationRequired) await client.logout();
    client.close();
    if (!data) return error;
    if (!data.verificationRequired) return signIn({ email, password });
    onSent(email);
    return undefined;
  };
  return (
    <div className="card narrow">
      <Heading>Create an account</Heading>
      <Form submit="Create account" onSubmit={register}>
        <Field
          name="name"
          label="Name"
          autoComplete="name"
          hint="Optional. What letters call you."
          maxLength={100}
          onBlur={({ target }) => setAbout((now) => [target.value, ...now.slice(1)])}
        />
        <EmailField onBlur={({ target }) => setAbout((now) => [now[0] ?? '', target.value])} />
        <PasswordField
          name="password"
          label="Password"
          autoComplete="new-password"
          isNew
          about={about}
          required="Choose a password."
        />
      </Form>
      <ul className="ways">
        <li>
          Have an account already? <Link href={`/login${location.search}`}>Sign in</Link>
        </li>
      </ul>
    </div>
  );
}

function CheckYourMail({ email }: { email: string }) {
  return (
    <div className="card narrow">
      <Heading>Check your mail</Heading>
      <p>
        A letter with a link is on its way to <strong>{email}</strong>. Open it and confirm your address, then
        sign in. The link works for 24 hours.
      </p>
      <DevelopmentMailbox />
      <p>Nothing there after some minutes? Look among the junk mail first.</p>
      <ResendLetter email={email} />
      <ul className="ways">
        <li>
          <Link href={`/login${location.search}`}>Go to sign in</Link>
        </li>
      </ul>
    </div>
  );
}
