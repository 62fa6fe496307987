/** Why a call gave nothing. `signIn`: prove who you are; `forbidden`: proved, and not allowed; `absent`: no such route or thing. */
export interface Refusal {
  readonly ok: false;
  readonly kind: 'signIn' | 'forbidden' | 'absent' | 'refused' | 'unavailable' | 'offline';
  /** For the reader; as text only. */
  readonly text: string;
  readonly retryAfterSeconds?: number;
}

export type Answer<T> = { readonly ok: true; readonly data: T } | Refusal;

export interface Diagnosis {
  readonly code: string;
  readonly cause: string;
  readonly remedy: string;
  readonly docs?: string;
}

export interface MessageSummary {
  readonly id: string;
  readonly status: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly from: string;
  readonly mailbox: string;
  readonly recipientCount: number;
  readonly attempts: number;
  readonly code?: string;
}

export interface Message extends Omit<MessageSummary, 'recipientCount' | 'code'> {
  readonly nextAttemptAt?: string;
  readonly sendAt?: string;
  readonly bytes: number;
  readonly serverMessageId?: string;
  readonly messageId: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly recipients: readonly { address: string; outcome: string; reply?: string; diagnosis?: Diagnosis }[];
  readonly reply?: string;
  readonly diagnosis?: Diagnosis;
  readonly events: readonly {
    at: string;
    status: string;
    attempt?: number;
    reply?: string;
    note?: string;
    diagnosis?: Diagnosis;
    nextAttemptAt?: string;
  }[];
}

export interface MessagePage {
  readonly messages: readonly MessageSummary[];
  readonly continuation?: string;
}
