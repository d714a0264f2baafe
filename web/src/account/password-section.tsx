import { useEffect, useState } from 'react';
import { Form, type Values } from '../forms/form';
import { HiddenUsername } from '../forms/hidden-username';
import { PasswordField } from '../forms/password-field';
import { Cancel, Dialog } from '../parts/dialog';
import { Done, Section } from '../parts/section';
import { gatehouse } from '../session/client';
import { useUser } from '../session/session';

export function PasswordSection() {
  const [isOpen, setOpen] = useState(isAskedFor);
  const [isChanged, setChanged] = useState(false);
  useEffect(() => {
    const follow = () => setOpen(isAskedFor());
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return (
    <Section title="Password">
      <p>A new password signs out every other device.</p>
      <div className="actions">
        <button type="button" className="button plain" onClick={() => setOpen(true)}>
          Change password
        </button>
      </div>
      <Done>{isChanged && 'Your password is changed. Every other device is signed out.'}</Done>
      {isOpen && <ChangePassword onChanged={() => setChanged(true)} onClose={() => setOpen(false)} />}
    </Section>
  );
}

/** Where /.well-known/change-password leads. */
function isAskedFor(): boolean {
  return location.hash === '#password';
}

function ChangePassword({ onChanged, onClose }: { onChanged: () => void; onClose: () => void }) {
  const { email, name } = useUser();
  const change = async ({ currentPassword = '', newPassword = '' }: Values) => {
    const body = { currentPassword, newPassword };
    const { error } = await gatehouse.api.POST('/api/auth/change-password', { body });
    if (error) return error;
    onChanged();
    onClose();
    return undefined;
  };
  return (
    <Dialog title="Change your password" onClose={onClose}>
      <Form
        submit="Change password"
        onSubmit={change}
        texts={{ password_incorrect: 'The current password is wrong.' }}
        aside={<Cancel onClick={onClose} />}
      >
        <HiddenUsername />
        <PasswordField
          name="currentPassword"
          label="Current password"
          autoComplete="current-password"
          required="Enter your current password."
        />
        <PasswordField
          name="newPassword"
          label="New password"
          autoComplete="new-password"
          isNew
          about={[email, name ?? '']}
          required="Choose a new password."
        />
      </Form>
    </Dialog>
  );
}
