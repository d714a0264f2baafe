import { Heading } from '../parts/heading';
import { Link } from '../routing/router';

export function NotFoundPage() {
  return (
    <div className="card narrow">
      <Heading>There is no such page</Heading>
      <p>The address may be mistyped, or what was there has moved.</p>
      <div className="actions">
        <Link className="button" href="/">
          Go to the start page
        </Link>
      </div>
    </div>
  );
}
