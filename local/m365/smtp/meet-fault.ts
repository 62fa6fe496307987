import type { Fault, SmtpPoint } from '../faults.ts';
import { pause, reply, type Session } from './session.ts';

/** The fault in force at this point of the session, if any. */
export function takeFault(
  session: Session,
  at: SmtpPoint,
  subject: { mailbox?: string; recipients?: string[] } = {},
): Fault | undefined {
  return session.server.cloud.faults.take(at, {
    mailbox: subject.mailbox ?? session.mailbox?.address,
    recipients: subject.recipients ?? session.recipients,
  });
}

/** Acts out a fault. True when the server's own answer must not follow any more. */
export async function actOut(session: Session, fault: Fault | undefined): Promise<boolean> {
  if (!fault) return false;
  session.transcript.push(`! fault ${fault.action} at ${fault.at}`);
  switch (fault.action) {
    case 'reply':
      await reply(session, fault.text);
      if (fault.close || fault.text.startsWith('421')) session.isOver = true;
      return true;
    case 'drop':
      drop(session, fault.reset);
      return true;
    case 'stall':
    case 'delay':
      await pause(session, fault.ms);
      return session.isOver;
    case 'slow':
      session.slowReplyBytesPerSecond = fault.bytesPerSecond;
      return false;
    case 'http':
    case 'certificate':
      return false;
  }
}

/** `actOut` of `takeFault`. */
export const meetFault = (
  session: Session,
  at: SmtpPoint,
  subject?: { mailbox?: string; recipients?: string[] },
): Promise<boolean> => actOut(session, takeFault(session, at, subject));

/** Ends the connection without a word: by FIN, or by RST. */
export function drop(session: Session, reset = false): void {
  session.isOver = true;
  if (reset) session.socket.resetAndDestroy();
  else session.socket.destroy();
}
