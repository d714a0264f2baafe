import type { Problem } from 'gatehouse-client';
import { useState, type ReactNode } from 'react';
import { Form, type Values } from '../forms/form';
import { Heading } from '../parts/heading';
import { linkToken } from '../routing/link-token';
import { Link } from '../routing/router';

/** How the story of a link can end: heading and sentence of each. */
export type Outcomes = Record<
  'done' | 'token_expired' | 'token_invalid',
  readonly [title: string, text: string]
>;

interface LinkPageProps {
  title: string;
  /** What the button does. */
  intro: ReactNode;
  submit: string;
  outcomes: Outcomes;
  /** Where to go from there. */
  onward?: Partial<Record<keyof Outcomes, ReactNode>>;
  /** Spends the token. Only a person's click does: mail scanners that merely open links use nothing up. */
  spend: (token: string, values: Values) => Promise<{ error?: Problem | undefined }>;
  isDangerous?: boolean;
  children?: ReactNode;
}

/** A page behind a mailed link. */
export function LinkPage({
  title,
  intro,
  submit,
  outcomes,
  onward,
  spend,
  isDangerous,
  children,
}: LinkPageProps) {
  const [outcome, setOutcome] = useState<keyof Outcomes>();
  const send = async (values: Values) => {
    const { error } = await spend(linkToken!, values);
    const end = error ? endOf(error) : 'done';
    if (end) return void setOutcome(end);
    return error;
  };
  if (linkToken === null) return <Lost />;
  if (!outcome)
    return (
      <div className="card narrow">
        <Heading>{title}</Heading>
        <div className="intro">{intro}</div>
        <Form submit={submit} onSubmit={send} isDangerous={isDangerous}>
          {children}
        </Form>
      </div>
    );
  const [heading, text] = outcomes[outcome];
  return (
    <div className="card narrow" data-outcome={outcome}>
      <Heading>{heading}</Heading>
      <p>{text}</p>
      {onward?.[outcome]}
    </div>
  );
}

export function SignInLink() {
  return (
    <div className="actions">
      <Link className="button" href="/login">
        Sign in
      </Link>
    </div>
  );
}

export function NewLetterLink() {
  return (
    <div className="actions">
      <Link className="button" href="/forgot-password">
        Ask for a new letter
      </Link>
    </div>
  );
}

function Lost() {
  return (
    <div className="card narrow">
      <Heading>Open the link again</Heading>
      <p>This page has lost its link. Follow the one in the letter once more.</p>
    </div>
  );
}

/** Undefined where the same click may work later, or with something else in the fields. */
function endOf({ code, errors = [] }: Problem): keyof Outcomes | undefined {
  if (code === 'token_invalid' || code === 'token_expired') return code;
  // A token that was cut off by a mail program is not even one in form.
  return code === 'validation_failed' && errors.every(({ field }) => field === 'token')
    ? 'token_invalid'
    : undefined;
}
