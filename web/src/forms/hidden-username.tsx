import { useUser } from '../session/session';

/** Tells password managers whose password a form is about. */
export function HiddenUsername() {
  const { email } = useUser();
  return (
    <input
      className="visually-hidden"
      type="text"
      name="username"
      autoComplete="username"
      value={email}
      readOnly
      tabIndex={-1}
      aria-hidden="true"
    />
  );
}
