import { use, useEffect, useId, type ComponentProps, type ReactNode } from 'react';
import { FormContext } from './form-context';

export interface FieldProps extends Omit<ComponentProps<'input'>, 'required' | 'id'> {
  name: string;
  label: string;
  /** What to say where it is left empty. */
  required?: string;
  hint?: ReactNode;
  /** Between label and input. */
  beside?: ReactNode;
  /** Below the input. */
  below?: ReactNode;
  /** Ids of more that describes it. */
  describedBy?: string;
  id?: string;
}

/** A labelled input with its hint and with what is wrong about it. */
export function Field({
  label,
  required,
  hint,
  beside,
  below,
  describedBy,
  id: given,
  ...input
}: FieldProps) {
  const own = useId();
  const id = given ?? own;
  const { name } = input;
  const errors = useField(name, label, required);
  const described = [describedBy, hint && `${id}-hint`, errors && `${id}-errors`].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {beside}
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      <input
        {...input}
        id={id}
        aria-required={required ? true : undefined}
        aria-invalid={errors ? true : undefined}
        aria-describedby={described || undefined}
        onInput={(event) => {
          errors?.forget();
          input.onInput?.(event);
        }}
      />
      {errors && <FieldErrors id={`${id}-errors`} messages={errors.messages} />}
      {below}
    </div>
  );
}

/** A text of several lines, else like `Field`. */
export function TextField({
  label,
  hint,
  name,
  ...area
}: ComponentProps<'textarea'> & { name: string; label: string; hint?: string }) {
  const id = useId();
  const errors = useField(name, label);
  const described = [hint && `${id}-hint`, errors && `${id}-errors`].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      <textarea
        {...area}
        id={id}
        name={name}
        aria-invalid={errors ? true : undefined}
        aria-describedby={described || undefined}
        onInput={() => errors?.forget()}
      />
      {errors && <FieldErrors id={`${id}-errors`} messages={errors.messages} />}
    </div>
  );
}

function useField(name: string, label: string, required?: string) {
  const { fields, errors, forget } = use(FormContext);
  useEffect(() => {
    fields.set(name, { label, required });
    return () => void fields.delete(name);
  }, [fields, name, label, required]);
  const messages = errors.get(name);
  return messages && { messages, forget: () => forget(name) };
}

function FieldErrors({ id, messages }: { id: string; messages: string[] }) {
  return (
    <div id={id} className="field-errors">
      {messages.map((message) => (
        <p key={message}>{message}</p>
      ))}
    </div>
  );
}
