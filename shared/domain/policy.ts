import { matchesAddressPattern } from './address.ts';
import type { MailSettings } from './mail-settings.ts';
import { invalid } from './parse-mail-request.ts';
import { accepted, type Outcome, type Problem, problem, refused } from './problem.ts';
import type { Sender } from './sender.ts';

/** Refuses more recipients than the mailbox takes in one message, and in mode allow-list whoever is not on the list. */
export function checkRecipients(
  settings: MailSettings,
  sender: Sender,
  recipients: readonly string[],
  pointerOf: (address: string) => string = () => '',
): Outcome<true> {
  const { recipientsPerMessage } = sender.limits;
  if (recipients.length > recipientsPerMessage) {
    return invalid([
      {
        pointer: '/to',
        detail: `has, with cc and bcc, ${recipients.length} recipients; the mailbox takes ${recipientsPerMessage} in a message`,
      },
    ]);
  }
  if (settings.mode !== 'allow-list') return accepted(true);
  const strangers = recipients.filter(
    address => !settings.allowList.some(pattern => matchesAddressPattern(address, pattern)),
  );
  if (strangers.length === 0) return accepted(true);
  return refused(
    problem(
      'recipient_not_allowed',
      `This environment sends only to addresses on its allow-list; ${strangers.length} of ${recipients.length} recipients are not on it.`,
      {
        errors: strangers.map(address => ({
          pointer: pointerOf(address),
          detail: `${address} is not on the allow-list (MAIL_ALLOW_LIST)`,
        })),
      },
    ),
  );
}

export function tooLarge(maxBytes: number, bytes?: number): { readonly ok: false; readonly problem: Problem } {
  const is = bytes === undefined ? 'is larger than' : `is ${bytes} bytes, more than`;
  return refused(
    problem(
      'request_too_large',
      `The mail ${is} the ${maxBytes} bytes that may be sent here. Attachments grow by a third when they are encoded.`,
      {
        errors: [{ pointer: '', detail: `limit: ${maxBytes} bytes` }],
      },
    ),
  );
}
