import { useState } from 'react';
import { Heading } from '../parts/heading';
import { More, usePages } from '../parts/pages-of-a-list';
import { Done } from '../parts/section';
import { Failure, Waiting } from '../parts/states';
import { SignedIn } from '../session/guards';
import { useUser } from '../session/session';
import { AddTask } from './add-task';
import { DeleteTask, EditTask } from './task-dialogs';
import { TaskRow } from './task-row';
import { tasksOf, type Task } from './tasks';

export function TasksPage() {
  return (
    <SignedIn>
      <Tasks />
    </SignedIn>
  );
}

type Question = { kind: 'edit' | 'delete'; task: Task };

function Tasks() {
  const { id } = useUser();
  const [tasks] = useState(() => tasksOf(id));
  const pages = usePages<Task>(tasks.list);
  const [question, setQuestion] = useState<Question>();
  const [done, setDone] = useState('');
  const replace = (task: Task) =>
    pages.change((items) => items.map((one) => (one.id === task.id ? task : one)));
  const close = () => setQuestion(undefined);
  return (
    <div className="sections">
      <Heading>Tasks</Heading>
      <AddTask
        tasks={tasks}
        onAdded={(task) => {
          pages.change((items) => [task, ...items]);
          setDone(`“${task.title}” is added.`);
        }}
      />
      <section className="card" aria-label="Your tasks">
        {pages.items && pages.items.length > 0 && (
          <ol className="rows tasks" ref={pages.list}>
            {pages.items.map((task) => (
              <TaskRow
                key={task.id}
                task={task}
                tasks={tasks}
                onChanged={replace}
                onEdit={() => setQuestion({ kind: 'edit', task })}
                onDelete={() => setQuestion({ kind: 'delete', task })}
              />
            ))}
          </ol>
        )}
        {pages.items?.length === 0 && <p className="empty">Nothing to do. Add your first task above.</p>}
        {pages.problem && <Failure problem={pages.problem} retry={pages.loadMore} />}
        {!pages.items && !pages.problem && <Waiting />}
        <More pages={pages}>Show more</More>
        <Done>{done}</Done>
      </section>
      {question?.kind === 'edit' && (
        <EditTask
          task={question.task}
          tasks={tasks}
          onClose={close}
          onChanged={(task) => {
            replace(task);
            setDone(`“${task.title}” is saved.`);
          }}
        />
      )}
      {question?.kind === 'delete' && (
        <DeleteTask
          task={question.task}
          tasks={tasks}
          onClose={close}
          onDeleted={() => {
            pages.change((items) => items.filter(({ id }) => id !== question.task.id));
            setDone(`“${question.task.title}” is deleted.`);
          }}
        />
      )}
    </div>
  );
}
