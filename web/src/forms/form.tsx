import type { Problem } from 'gatehouse-client';
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { Countdown, useWait } from '../parts/countdown';
import { FormContext, type FieldErrors, type FormFields } from './form-context';
import { problemText } from './problem-text';
import { fieldText } from './texts';

export type Values = Record<string, string>;

interface FormProps {
  /** What the button says. */
  submit: string;
  /** Returns what the service has against it; nothing where all went well. */
  onSubmit: (values: Values) => Promise<Problem | undefined>;
  /** Other words for a code, where this form knows better what it means. */
  texts?: Partial<Record<string, string>>;
  /** More about a problem, such as a way out. */
  about?: (problem: Problem, values: Values) => ReactNode;
  isDangerous?: boolean;
  /** Beside the button. */
  aside?: ReactNode;
  className?: string;
  children?: ReactNode;
}

interface Refusal {
  problem?: Problem;
  values: Values;
  fields: FieldErrors;
}

/** A form that says what is wrong at the field and above, moves the focus there, and waits where it is told to. */
export function Form({
  submit,
  onSubmit,
  texts,
  about,
  isDangerous,
  aside,
  className = '',
  children,
}: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const fields = useRef<FormFields>(new Map());
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const wait = useWait(refusal?.problem);

  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [refusal]);

  const handle = async (event: FormEvent) => {
    event.preventDefault();
    // A dialog's form is inside the page's in React's eyes.
    event.stopPropagation();
    if (isBusy || wait > 0) return;
    const values = valuesOf(form.current!);
    const missing = missingIn(fields.current, values);
    if (missing.size > 0) return setRefusal({ values, fields: missing });
    setRefusal(undefined);
    setBusy(true);
    const problem = await onSubmit(values);
    setBusy(false);
    if (problem) setRefusal({ problem, values, fields: errorsOf(problem, fields.current) });
  };

  const forget = (name: string) =>
    setRefusal((now) => (now?.fields.has(name) ? { ...now, fields: without(now.fields, name) } : now));

  return (
    // `post`, or a browser without the script would put a password into the address.
    <form ref={form} method="post" noValidate className={className} onSubmit={handle} aria-busy={isBusy}>
      <FormContext value={{ fields: fields.current, errors: refusal?.fields ?? new Map(), forget }}>
        <div role="alert" className="problem">
          {refusal && <Summary refusal={refusal} fields={fields.current} texts={texts} wait={wait} />}
        </div>
        {refusal?.problem && about?.(refusal.problem, refusal.values)}
        {children}
        <div className="actions">
          {/* Not `disabled`, which would take the focus away from those who use a keyboard. */}
          <button
            type="submit"
            className={isDangerous ? 'button danger' : 'button'}
            aria-disabled={isBusy || wait > 0}
          >
            {submit}
          </button>
          {aside}
        </div>
      </FormContext>
    </form>
  );
}

interface SummaryProps {
  refusal: Refusal;
  fields: FormFields;
  texts?: Partial<Record<string, string>>;
  wait: number;
}

function Summary({ refusal: { problem, fields: errors }, fields, texts, wait }: SummaryProps) {
  const named = [...errors].filter(([name]) => fields.has(name));
  if (named.length > 0)
    return (
      <>
        <p>
          {named.length === 1 ? 'One thing is not right yet:' : `${named.length} things are not right yet:`}
        </p>
        <ul>
          {named.map(([name, messages]) => (
            <li key={name}>
              {fields.get(name)!.label}:{' '}
              {messages.length === 1 ? messages[0] : `${messages.length} rules are broken.`}
            </li>
          ))}
        </ul>
      </>
    );
  if (!problem) return null;
  return (
    <p>
      {problemText(problem, texts)} <Countdown seconds={wait} asked={problem.retryAfter} />
    </p>
  );
}

function valuesOf(form: HTMLFormElement): Values {
  const entries = [...new FormData(form)].filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(entries) as Values;
}

function missingIn(fields: FormFields, values: Values): FieldErrors {
  const missing = [...fields].filter(([name, { required }]) => required && !values[name]?.trim());
  return new Map(missing.map(([name, { required }]) => [name, [required!]]));
}

function errorsOf({ errors = [] }: Problem, fields: FormFields): FieldErrors {
  const found: FieldErrors = new Map();
  for (const error of errors) {
    const field = fields.get(error.field);
    if (field) found.set(error.field, [...(found.get(error.field) ?? []), fieldText(field.label, error)]);
  }
  return found;
}

function without(errors: FieldErrors, name: string): FieldErrors {
  return new Map([...errors].filter(([other]) => other !== name));
}
