import { useState } from 'react';
import { Field } from '../forms/field';
import { Form, type Values } from '../forms/form';
import { Done, Section } from '../parts/section';
import { gatehouse } from '../session/client';
import { useSession, useUser } from '../session/session';

export function ProfileSection() {
  const user = useUser();
  const { setUser } = useSession();
  const [isSaved, setSaved] = useState(false);
  const save = async ({ name = '' }: Values) => {
    setSaved(false);
    const body = { name: name.trim() === '' ? null : name.trim() };
    const { data, error } = await gatehouse.api.PUT('/api/auth/profile', { body });
    if (data) {
      setUser(data);
      setSaved(true);
    }
    return error;
  };
  return (
    <Section title="Profile">
      <Form submit="Save name" onSubmit={save} aside={<Done>{isSaved && 'Saved.'}</Done>}>
        <Field
          name="name"
          label="Name"
          autoComplete="name"
          hint="What letters call you."
          maxLength={100}
          defaultValue={user.name ?? ''}
          onInput={() => setSaved(false)}
        />
      </Form>
    </Section>
  );
}
