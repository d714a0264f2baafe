import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { settings } from '../settings';
import { Field, type FieldProps } from './field';
import { PASSWORD_RULES } from './password-rules';
import { strengthOf, STRENGTHS } from './strength';

type PasswordFieldProps = Omit<FieldProps, 'type' | 'beside' | 'below' | 'hint' | 'about'> & {
  autoComplete: 'current-password' | 'new-password';
  /** Shows the rules and how good it is: for a password that is going to be. */
  isNew?: boolean;
  /** What is easy to guess about the owner. */
  about?: string[];
};

/** A password: hidden unless asked, with a word of warning where Caps Lock is on. */
export function PasswordField({ isNew = false, about = [], ...field }: PasswordFieldProps) {
  const id = useId();
  const [isShown, setShown] = useState(false);
  const [hasCaps, setCaps] = useState(false);
  const [password, setPassword] = useState('');
  const toggle = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    // Browsers remember what is in a text field, and password managers do not see it.
    const form = toggle.current?.form;
    const hide = () => setShown(false);
    form?.addEventListener('submit', hide, { capture: true });
    form?.addEventListener('reset', hide);
    return () => {
      form?.removeEventListener('submit', hide, { capture: true });
      form?.removeEventListener('reset', hide);
    };
  }, []);

  const watchCaps = (event: KeyboardEvent) => setCaps(event.getModifierState('CapsLock'));
  return (
    <Field
      {...field}
      id={id}
      type={isShown ? 'text' : 'password'}
      autoCapitalize="none"
      spellCheck={false}
      describedBy={isNew ? `${id}-rules` : undefined}
      onKeyDown={watchCaps}
      onKeyUp={watchCaps}
      onBlur={() => setCaps(false)}
      onInput={(event) => isNew && setPassword(event.currentTarget.value)}
      beside={
        <button
          ref={toggle}
          type="button"
          className="quiet-button"
          aria-controls={id}
          aria-label={`${isShown ? 'Hide' : 'Show'} ${field.label.toLowerCase()}`}
          onClick={() => setShown(!isShown)}
        >
          {isShown ? 'Hide' : 'Show'}
        </button>
      }
      below={
        <>
          <p role="status" className="caps">
            {hasCaps && 'Caps Lock is on.'}
          </p>
          {isNew && <Rules id={`${id}-rules`} password={password} about={about} />}
        </>
      }
    />
  );
}

function Rules({ id, password, about }: { id: string; password: string; about: string[] }) {
  const rules = PASSWORD_RULES[settings.passwordPolicy];
  const strength = strengthOf(password, about);
  return (
    <div className="rules">
      <div id={id}>
        <p className="visually-hidden">It needs:</p>
        <ul>
          {rules.map(({ text, isKept }) => (
            <li key={text} data-kept={isKept(password)}>
              {text}
              <span className="visually-hidden">{isKept(password) ? ' (done)' : ''}</span>
            </li>
          ))}
        </ul>
      </div>
      <p className="strength" data-strength={password === '' ? 'none' : strength}>
        <span className="bar" aria-hidden="true" />
        <span role="status">{password === '' ? 'Strength' : `Strength: ${STRENGTHS[strength]}`}</span>
      </p>
    </div>
  );
}
