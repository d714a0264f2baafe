import { useState } from 'react';
import { problemText } from '../forms/problem-text';
import type { Task, Tasks } from './tasks';

interface TaskRowProps {
  task: Task;
  tasks: Tasks;
  onChanged: (task: Task) => void;
  onEdit: () => void;
  onDelete: () => void;
}

export function TaskRow({ task, tasks, onChanged, onEdit, onDelete }: TaskRowProps) {
  const [trouble, setTrouble] = useState('');
  const toggle = async () => {
    setTrouble('');
    // At once, and back again where the service does not agree.
    onChanged({ ...task, completed: !task.completed });
    const { data, error } = await tasks.change(task, { completed: !task.completed });
    onChanged(data ?? task);
    if (error) setTrouble(problemText(error));
  };
  return (
    <li tabIndex={-1} data-completed={task.completed}>
      <label className="row-text check">
        <input type="checkbox" checked={task.completed} onChange={() => void toggle()} />
        <span>
          <span className="row-title">{task.title}</span>
          {task.description && <span className="row-more">{task.description}</span>}
        </span>
      </label>
      <div className="row-actions">
        <button
          type="button"
          className="button plain small"
          aria-label={`Edit ${task.title}`}
          onClick={onEdit}
        >
          Edit
        </button>
        <button
          type="button"
          className="button plain small"
          aria-label={`Delete ${task.title}`}
          onClick={onDelete}
        >
          Delete
        </button>
      </div>
      <p role="alert" className="row-problem">
        {trouble}
      </p>
    </li>
  );
}
