import type { Problem } from 'gatehouse-client';
import { EmailField } from '../forms/email-field';
import { Form, type Values } from '../forms/form';
import { PasswordField } from '../forms/password-field';
import { Heading } from '../parts/heading';
import { Link } from '../routing/router';
import { SignedOut } from '../session/guards';
import { useSession, type Farewell } from '../session/session';
import { ResendLetter } from './resend-letter';

const FAREWELLS: Record<Farewell, string> = {
  'signed-out': 'You are signed out.',
  elsewhere: 'You signed out in another tab.',
  deleted: 'Your account and everything in it is deleted.',
  ended: 'Your session has ended. Sign in to go on where you were.',
};

export function LoginPage() {
  return (
    <SignedOut>
      <Login />
    </SignedOut>
  );
}

function Login() {
  const { state, signIn } = useSession();
  const farewell = state.status === 'out' ? state.farewell : undefined;
  // The guard leads on from there.
  const login = ({ email = '', password = '' }: Values) => signIn({ email, password });
  const isSent = new URLSearchParams(location.search).has('to');
  return (
    <div className="card narrow">
      <Heading>Sign in</Heading>
      <p role="status" className="farewell">
        {farewell ? FAREWELLS[farewell] : isSent && 'Please sign in to open this page.'}
      </p>
      <Form submit="Sign in" onSubmit={login} about={wayOut}>
        <EmailField />
        <PasswordField
          name="password"
          label="Password"
          autoComplete="current-password"
          required="Enter your password."
        />
      </Form>
      <ul className="ways">
        <li>
          <Link href="/forgot-password">Forgot your password?</Link>
        </li>
        <li>
          New here? <Link href={`/register${location.search}`}>Create an account</Link>
        </li>
      </ul>
    </div>
  );
}

function wayOut({ code }: Problem, { email = '' }: Values) {
  return code === 'email_not_verified' && <ResendLetter email={email} />;
}
