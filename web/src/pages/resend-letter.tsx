import { useState } from 'react';
import { problemText } from '../forms/problem-text';
import { gatehouse } from '../session/client';

/** Asks for the letter with the verification link once more. */
export function ResendLetter({ email }: { email: string }) {
  const [outcome, setOutcome] = useState('');
  const [isBusy, setBusy] = useState(false);
  const resend = async () => {
    if (isBusy) return;
    setBusy(true);
    setOutcome('');
    const { error } = await gatehouse.api.POST('/api/auth/verify/resend', { body: { email } });
    setBusy(false);
    setOutcome(error ? problemText(error) : 'A new letter is on its way. Its link replaces the older ones.');
  };
  return (
    <div className="resend">
      <button type="button" className="button plain" aria-disabled={isBusy} onClick={() => void resend()}>
        Send the letter again
      </button>
      <p role="status">{outcome}</p>
    </div>
  );
}
