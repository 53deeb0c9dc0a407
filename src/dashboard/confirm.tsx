import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

interface ConfirmProps {
  /** Of the button that asks. */
  readonly label: string;
  /** What will happen. */
  readonly question: ComponentChildren;
  /** Of the button that does it. */
  readonly verb: string;
  readonly onConfirm: () => void;
  readonly isDisabled?: boolean;
  readonly title?: string;
}

/** A button for what cannot be undone: it says what will happen, and asks first. */
export function ConfirmButton({ label, question, verb, onConfirm, isDisabled, title }: ConfirmProps) {
  const [asks, setAsks] = useState(false);
  return (
    <>
      <button type="button" disabled={isDisabled} title={title} onClick={() => setAsks(true)}>
        {label}
      </button>
      {asks && (
        <Question
          verb={verb}
          onAnswer={(isYes) => {
            setAsks(false);
            if (isYes) onConfirm();
          }}
        >
          {question}
        </Question>
      )}
    </>
  );
}

interface QuestionProps {
  readonly verb: string;
  readonly children: ComponentChildren;
  readonly onAnswer: (isYes: boolean) => void;
}

/** Escape is no. The focus goes back to where it was. */
export function Question({ verb, children, onAnswer }: QuestionProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  // With the page's next picture, so that no key or click reaches what lies under the question.
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-label={verb} onClose={() => onAnswer(false)}>
      <p>{children}</p>
      <div class="buttons">
        <button type="button" class="primary" onClick={() => onAnswer(true)}>
          {verb}
        </button>
        <button type="button" onClick={() => onAnswer(false)}>
          Cancel
        </button>
      </div>
    </dialog>
  );
}
