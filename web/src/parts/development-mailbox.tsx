import { settings } from '../settings';

/** Where letters are while there is no mail server. */
export function DevelopmentMailbox() {
  if (!settings.hasMailbox) return null;
  return (
    <p>
      <a href="/dev/mailbox">Open the development mailbox</a>
    </p>
  );
}
