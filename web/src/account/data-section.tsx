import { useState } from 'react';
import { Form } from '../forms/form';
import { HiddenUsername } from '../forms/hidden-username';
import { PasswordField } from '../forms/password-field';
import { Confirmation } from '../parts/confirmation';
import { Cancel, Dialog } from '../parts/dialog';
import { Done, Section } from '../parts/section';
import { gatehouse } from '../session/client';
import { useSession, useUser } from '../session/session';
import { downloadExport } from './export';

type Question = 'export' | 'delete';

export function DataSection() {
  const { email } = useUser();
  const [question, setQuestion] = useState<Question>();
  const [isDownloaded, setDownloaded] = useState(false);
  const close = () => setQuestion(undefined);
  return (
    <Section title="Your data">
      <p>Download all that is stored about you, or delete your account with everything in it.</p>
      <div className="actions">
        <button type="button" className="button plain" onClick={() => setQuestion('export')}>
          Download my data
        </button>
        <button type="button" className="button plain danger" onClick={() => setQuestion('delete')}>
          Delete my account
        </button>
      </div>
      <Done>{isDownloaded && 'Your data is downloaded.'}</Done>
      {question === 'export' && (
        <Confirmation
          title="Download your data"
          text={<p>One file in JSON, with your account, devices, activity and tasks.</p>}
          submit="Download"
          onClose={close}
          act={async (password) => {
            const problem = await downloadExport(email, password);
            setDownloaded(!problem);
            return problem;
          }}
        />
      )}
      {question === 'delete' && <DeleteAccount onClose={close} />}
    </Section>
  );
}

function DeleteAccount({ onClose }: { onClose: () => void }) {
  const { leave } = useSession();
  return (
    <Dialog title="Delete your account?" onClose={onClose}>
      <p>Your account and everything in it is deleted at once and for good. Nobody can bring it back.</p>
      <Form
        submit="Delete for good"
        isDangerous
        aside={<Cancel onClick={onClose}>Keep my account</Cancel>}
        onSubmit={({ password = '' }) =>
          leave(
            'deleted',
            async () => (await gatehouse.api.DELETE('/api/auth/profile', { body: { password } })).error,
          )
        }
      >
        <HiddenUsername />
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
