import type { Problem } from 'gatehouse-client';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Form } from '../forms/form';
import { PasswordField } from '../forms/password-field';
import { HiddenUsername } from '../forms/hidden-username';
import { Cancel, Dialog } from './dialog';

interface ConfirmationProps {
  title: string;
  text: ReactNode;
  submit: string;
  /** With the password where the service has asked for it: it does where the login is some minutes ago. */
  act: (password?: string) => Promise<Problem | undefined>;
  onClose: () => void;
  isDangerous?: boolean;
}

/** Asks before something is done that cannot be taken back, and for the password where that is too long ago. */
export function Confirmation({ title, text, submit, act, onClose, isDangerous }: ConfirmationProps) {
  const [needsPassword, setNeedsPassword] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (needsPassword) place.current?.querySelector<HTMLElement>('input[type=password]')?.focus();
  }, [needsPassword]);
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="intro">{text}</div>
      <Form
        submit={submit}
        isDangerous={isDangerous}
        aside={<Cancel onClick={onClose} />}
        onSubmit={async ({ password }) => {
          const problem = await act(password);
          if (!problem) onClose();
          if (problem?.code === 'recent_login_required') setNeedsPassword(true);
          return problem;
        }}
      >
        {needsPassword && (
          <div ref={place}>
            <HiddenUsername />
            <PasswordField
              name="password"
              label="Password"
              autoComplete="current-password"
              required="Enter your password."
            />
          </div>
        )}
      </Form>
    </Dialog>
  );
}
