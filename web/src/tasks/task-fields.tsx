import { Field, TextField } from '../forms/field';
import type { Task } from './tasks';

/** What a task consists of, in the forms for new and for old ones. */
export function TaskFields({ task }: { task?: Task }) {
  return (
    <>
      <Field
        name="title"
        label="Title"
        autoComplete="off"
        maxLength={200}
        defaultValue={task?.title}
        required="Enter a title."
      />
      <TextField
        name="description"
        label="Description"
        rows={2}
        maxLength={5000}
        defaultValue={task?.description}
      />
    </>
  );
}
