import { createContext } from 'react';

export type FieldErrors = Map<string, string[]>;

/** What a form knows of its fields. */
export type FormFields = Map<string, { label: string; required?: string }>;

interface FormState {
  fields: FormFields;
  errors: FieldErrors;
  /** Somebody corrects a field: what was wrong with it is said no more. */
  forget: (name: string) => void;
}

export const FormContext = createContext<FormState>({
  fields: new Map(),
  errors: new Map(),
  forget: () => undefined,
});
