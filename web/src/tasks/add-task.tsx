import { useRef } from 'react';
import { Form, type Values } from '../forms/form';
import { Section } from '../parts/section';
import { TaskFields } from './task-fields';
import type { Task, Tasks } from './tasks';

export function AddTask({ tasks, onAdded }: { tasks: Tasks; onAdded: (task: Task) => void }) {
  const place = useRef<HTMLDivElement>(null);
  const add = async ({ title = '', description = '' }: Values) => {
    const { data, error } = await tasks.add(title, description);
    if (!data) return error;
    onAdded(data);
    // Ready for the next one.
    const form = place.current!.querySelector('form')!;
    form.reset();
    form.querySelector('input')!.focus();
    return undefined;
  };
  return (
    <Section title="Add a task">
      <div ref={place}>
        <Form submit="Add task" onSubmit={add}>
          <TaskFields />
        </Form>
      </div>
    </Section>
  );
}
