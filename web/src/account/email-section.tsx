import { useState } from 'react';
import { Field } from '../forms/field';
import { Form, type Values } from '../forms/form';
import { HiddenUsername } from '../forms/hidden-username';
import { PasswordField } from '../forms/password-field';
import { Cancel, Dialog } from '../parts/dialog';
import { Done, Section } from '../parts/section';
import { gatehouse } from '../session/client';
import { useUser } from '../session/session';

export function EmailSection() {
  const { email } = useUser();
  const [isOpen, setOpen] = useState(false);
  const [sentTo, setSentTo] = useState<string>();
  return (
    <Section title="Email address">
      <p className="value">{email}</p>
      <div className="actions">
        <button type="button" className="button plain" onClick={() => setOpen(true)}>
          Change address
        </button>
      </div>
      <Done>
        {sentTo !== undefined &&
          `A letter with a link is on its way to ${sentTo}. Your address stays as it is until you open that link.`}
      </Done>
      {isOpen && <ChangeEmail onSent={setSentTo} onClose={() => setOpen(false)} />}
    </Section>
  );
}

function ChangeEmail({ onSent, onClose }: { onSent: (email: string) => void; onClose: () => void }) {
  const ask = async ({ email = '', password = '' }: Values) => {
    const { error } = await gatehouse.api.POST('/api/auth/change-email', { body: { email, password } });
    if (error) return error;
    onSent(email);
    onClose();
    return undefined;
  };
  return (
    <Dialog title="Change your email address" onClose={onClose}>
      <p>We send a link to the new address. The old one is told as well, and stays until the link is used.</p>
      <Form submit="Send the link" onSubmit={ask} aside={<Cancel onClick={onClose} />}>
        <HiddenUsername />
        <Field
          name="email"
          label="New email address"
          type="email"
          autoComplete="email"
          inputMode="email"
          autoCapitalize="none"
          spellCheck={false}
          required="Enter the new address."
        />
        <PasswordField
          name="password"
          label="Password"
          autoComplete="current-password"
          required="Enter your password."
        />
      </Form>
    </Dialog>
  );
}
