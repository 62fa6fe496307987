import type { StatusReport } from '../../../shared/domain/status-report.ts';
import type { Api } from './api.ts';
import type { Refusal } from './api-shapes.ts';

/** What the parts of the page share. */
export interface Board {
  readonly api: Api;
  now(): number;
  /** Says it to the eye and to a screen reader. */
  tell(text: string, tone?: 'good' | 'bad'): void;
  /** A call was refused: tells why, and asks for the key again where that is the reason. */
  refused(refusal: Refusal, what: string): void;
  /** Reads everything again, now. */
  refresh(): Promise<void>;
  confirm(question: Question): Promise<boolean>;
}

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
}

/** Wraps what a button does: while it is under way the button cannot be pressed again, and keeps the focus. */
export function whileBusy(run: (button: HTMLButtonElement) => Promise<void>, label: string): (event: Event) => void {
  return event => {
    const button = event.currentTarget as HTMLButtonElement;
    if (button.getAttribute('aria-disabled') === 'true') return;
    const text = button.textContent;
    button.setAttribute('aria-disabled', 'true');
    button.textContent = label;
    void run(button).finally(() => {
      button.removeAttribute('aria-disabled');
      button.textContent = text;
    });
  };
}

export type Mailbox = StatusReport['mailboxes'][number];
