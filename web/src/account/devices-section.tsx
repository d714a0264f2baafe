import { useState } from 'react';
import { Confirmation } from '../parts/confirmation';
import { useLoaded } from '../parts/loaded';
import { Done, Section } from '../parts/section';
import { Failure, Waiting } from '../parts/states';
import { Time } from '../parts/time';
import { gatehouse } from '../session/client';
import { useSession } from '../session/session';

interface Device {
  id: string;
  current: boolean;
  device: string;
  ip: string;
  createdAt: string;
  lastUsedAt: string;
}

type Question = 'others' | 'all' | Device;

const load = () => gatehouse.api.GET('/api/auth/sessions');

export function DevicesSection() {
  const { content: devices, problem, reload } = useLoaded<Device[]>(load);
  const [question, setQuestion] = useState<Question>();
  const [done, setDone] = useState('');

  const ask = (about: Question) => {
    setDone('');
    setQuestion(about);
  };
  const finish = (text: string) => {
    setDone(text);
    void reload();
  };
  return (
    <Section title="Devices">
      <p>Where you are signed in. Sign out what you do not recognise, and change your password then.</p>
      {problem && <Failure problem={problem} retry={reload} />}
      {!devices && !problem && <Waiting />}
      {devices && (
        <ul className="rows">
          {devices.map((device) => (
            <DeviceRow key={device.id} device={device} onSignOut={() => ask(device)} />
          ))}
        </ul>
      )}
      <Done>{done}</Done>
      <div className="actions">
        <button type="button" className="button plain" onClick={() => ask('others')}>
          Sign out everywhere else
        </button>
        <button type="button" className="button plain" onClick={() => ask('all')}>
          Sign out everywhere
        </button>
      </div>
      {question && <SignOut question={question} onClose={() => setQuestion(undefined)} onDone={finish} />}
    </Section>
  );
}

function DeviceRow({ device, onSignOut }: { device: Device; onSignOut: () => void }) {
  return (
    <li>
      <div className="row-text">
        <p className="row-title">
          {device.device} {device.current && <span className="badge">this device</span>}
        </p>
        <p className="row-more">
          {device.ip} · used <Time at={device.lastUsedAt} /> · signed in <Time at={device.createdAt} />
        </p>
      </div>
      {!device.current && (
        <button
          type="button"
          className="button plain small"
          aria-label={`Sign out ${device.device}, ${device.ip}`}
          onClick={onSignOut}
        >
          Sign out
        </button>
      )}
    </li>
  );
}

interface SignOutProps {
  question: Question;
  onClose: () => void;
  onDone: (text: string) => void;
}

function SignOut({ question, onClose, onDone }: SignOutProps) {
  const { leave } = useSession();
  if (question === 'all')
    return (
      <Confirmation
        title="Sign out everywhere?"
        text={<p>Every device is signed out, this one too.</p>}
        submit="Sign out everywhere"
        onClose={onClose}
        act={(password) =>
          leave('signed-out', async () => (await gatehouse.logoutEverywhere({ password })).error)
        }
      />
    );
  if (question === 'others')
    return (
      <Confirmation
        title="Sign out everywhere else?"
        text={<p>Every device but this one is signed out.</p>}
        submit="Sign out the others"
        onClose={onClose}
        act={async (password) => {
          const body = { exceptCurrent: true, ...(password === undefined ? {} : { password }) };
          const { data, error } = await gatehouse.api.POST('/api/auth/logout-all', { body });
          if (data)
            onDone(
              data.revoked === 1 ? '1 device is signed out.' : `${data.revoked} devices are signed out.`,
            );
          return error;
        }}
      />
    );
  return (
    <Confirmation
      title="Sign out this device?"
      text={
        <p>
          {question.device} at {question.ip} has to sign in again.
        </p>
      }
      submit="Sign out"
      onClose={onClose}
      act={async (password) => {
        const { error } = await gatehouse.api.DELETE('/api/auth/sessions/{id}', {
          params: { path: { id: question.id } },
          body: password === undefined ? {} : { password },
        });
        // Gone already is as good.
        if (error && error.code !== 'not_found') return error;
        onDone(`${question.device} is signed out.`);
        return undefined;
      }}
    />
  );
}
