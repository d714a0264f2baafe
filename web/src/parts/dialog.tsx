import { useEffect, useId, useRef, type ReactNode } from 'react';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog of the browser's own: it keeps the focus, closes by Escape and gives the focus back. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    const opener = document.activeElement;
    element?.showModal();
    // Not to the first button, which in some dialogs deletes something.
    const field = element?.querySelector<HTMLElement>('input:not([aria-hidden]), textarea');
    (field ?? element?.querySelector('h2'))?.focus();
    return () => {
      element?.close();
      // What it was opened from may be gone, by what was done in it.
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
      else document.querySelector('h1')?.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={id} tabIndex={-1}>
        {title}
      </h2>
      {children}
    </dialog>
  );
}

export function Cancel({ onClick, children = 'Cancel' }: { onClick: () => void; children?: string }) {
  return (
    <button type="button" className="button plain" onClick={onClick}>
      {children}
    </button>
  );
}
