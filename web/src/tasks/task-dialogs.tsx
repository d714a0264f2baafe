import { Form, type Values } from '../forms/form';
import { Confirmation } from '../parts/confirmation';
import { Cancel, Dialog } from '../parts/dialog';
import { TaskFields } from './task-fields';
import type { Task, Tasks } from './tasks';

interface EditTaskProps {
  task: Task;
  tasks: Tasks;
  onClose: () => void;
  onChanged: (task: Task) => void;
}

export function EditTask({ task, tasks, onClose, onChanged }: EditTaskProps) {
  const save = async ({ title = '', description = '' }: Values) => {
    const { data, error } = await tasks.change(task, { title, description });
    if (!data) return error;
    onChanged(data);
    onClose();
    return undefined;
  };
  return (
    <Dialog title="Edit task" onClose={onClose}>
      <Form submit="Save" onSubmit={save} aside={<Cancel onClick={onClose} />}>
        <TaskFields task={task} />
      </Form>
    </Dialog>
  );
}

interface DeleteTaskProps {
  task: Task;
  tasks: Tasks;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteTask({ task, tasks, onClose, onDeleted }: DeleteTaskProps) {
  return (
    <Confirmation
      title="Delete this task?"
      text={<p>“{task.title}” is deleted for good.</p>}
      submit="Delete task"
      isDangerous
      onClose={onClose}
      act={async () => {
        const { error } = await tasks.remove(task);
        // Gone already is as good.
        if (error && error.code !== 'not_found') return error;
        onDeleted();
        return undefined;
      }}
    />
  );
}
