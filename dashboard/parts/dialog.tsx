import type { Signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly open: Signal<boolean>;
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A dialog over the page; Escape and a click beside it close it, and the focus goes back to where it was. */
export function Dialog({ open, label, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    if (open.value && !element.open) element.showModal();
    if (!open.value && element.open) element.close();
  }, [open.value]);
  const close = (): void => {
    open.value = false;
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it by itself
    <dialog
      ref={dialog}
      aria-label={label}
      onClose={close}
      onClick={event => event.target === dialog.current && close()}
    >
      {open.value ? children : null}
    </dialog>
  );
}
