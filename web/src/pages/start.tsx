import { Heading } from '../parts/heading';
import { Link } from '../routing/router';
import { SignedOut } from '../session/guards';
import { settings } from '../settings';

/** Where those begin who know no other address. */
export function StartPage() {
  return (
    <SignedOut>
      <div className="start">
        <Heading>{settings.brand}</Heading>
        <p className="lead">
          One account, in your own hands: see where you are signed in, end what you do not recognise, take
          your data with you.
        </p>
        <div className="actions">
          <Link className="button" href="/login">
            Sign in
          </Link>
          <Link className="button plain" href="/register">
            Create an account
          </Link>
        </div>
        <dl className="facts">
          <div>
            <dt>Your devices</dt>
            <dd>Every place where you are signed in, with a button to end it at once.</dd>
          </div>
          <div>
            <dt>Your history</dt>
            <dd>What happened to your account, and a letter when something looks strange.</dd>
          </div>
          <div>
            <dt>Your data</dt>
            <dd>Download all of it, or delete your account for good, without asking anybody.</dd>
          </div>
        </dl>
      </div>
    </SignedOut>
  );
}
