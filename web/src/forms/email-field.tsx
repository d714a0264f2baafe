import type { ComponentProps } from 'react';
import { Field } from './field';

/** Of the account that is signed in to or made: password managers keep it beside the password. */
export function EmailField({ onBlur }: Pick<ComponentProps<typeof Field>, 'onBlur'>) {
  return (
    <Field
      name="email"
      label="Email address"
      type="email"
      autoComplete="username"
      inputMode="email"
      autoCapitalize="none"
      spellCheck={false}
      required="Enter your email address."
      onBlur={onBlur}
    />
  );
}
