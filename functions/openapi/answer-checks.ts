import type { z } from 'zod';
import type { Acceptance } from '../../shared/domain/accept-input.ts';
import type { Diagnosis } from '../../shared/domain/diagnosis/diagnosis.ts';
import type { ExplainMatch } from '../../shared/domain/diagnosis/explain.ts';
import type { MessageStatus } from '../../shared/domain/message-record.ts';
import type { ProblemDetail } from '../../shared/domain/problem.ts';
import type { StatusReport } from '../../shared/domain/status-report.ts';
import type { ChannelTest } from '../../shared/usecases/watch-test.ts';
import type { problemBody } from '../http-answer.ts';
import type { acceptanceBody } from '../http-send.ts';
import type { messageSummary, messageView } from '../message-view.ts';
import type {
  acceptedSchema,
  alertTestSchema,
  dryRunSchema,
  explanationSchema,
  messageSchema,
  messageSummarySchema,
} from './answer-schemas.ts';
import type { diagnosisSchema, problemDetailSchema, problemSchema, statusSchema } from './common-schemas.ts';
import type { statusReportSchema } from './status-schemas.ts';

type DryRun = Acceptance & { readonly kind: 'dryRun' };
type Keys<T> = T extends unknown ? keyof T : never;
type Value<T, K extends PropertyKey> = T extends unknown ? (K extends keyof T ? T[K] : undefined) : never;

/** Keys that are missing from, or may be undefined in, some member of the union T. */
type Optional<T> = { [K in Keys<T>]: undefined extends Value<T, K> ? K : never }[Keys<T>];

/**
 * One plain shape of a type: unions of objects joined into one object with optional keys, nothing readonly. A
 * conditional spread gives a union of objects and widens `true`, a schema gives one object with optional keys; this
 * makes them alike.
 */
type Shape<T> = [T] extends [string | number | boolean | undefined]
  ? [T] extends [boolean]
    ? boolean
    : T
  : [T] extends [readonly (infer Item)[]]
    ? Shape<Item>[]
    : { [K in Exclude<Keys<T>, Optional<T>>]: Shape<Value<T, K>> } & {
          [K in Optional<T>]?: Shape<Exclude<Value<T, K>, undefined>>;
        } extends infer Joined
      ? { [K in keyof Joined]: Exclude<Joined[K], undefined> }
      : never;

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type SameShape<A, B> = Same<Shape<A>, Shape<B>>;
type Held<Checks extends Readonly<Record<keyof Checks, true>>> = Checks;

/** Does not compile as soon as an answer has a field, or a field has a type, that its schema does not tell. */
export type AnswersAreAsDocumented = Held<{
  message: SameShape<ReturnType<typeof messageView>, z.infer<typeof messageSchema>>;
  summary: SameShape<ReturnType<typeof messageSummary>, z.infer<typeof messageSummarySchema>>;
  accepted: SameShape<ReturnType<typeof acceptanceBody>, z.infer<typeof acceptedSchema>>;
  dryRun: SameShape<Omit<DryRun, 'kind'>, Omit<z.infer<typeof dryRunSchema>, 'dryRun'>>;
  problem: SameShape<ReturnType<typeof problemBody>, z.infer<typeof problemSchema>>;
  problemDetail: SameShape<ProblemDetail, z.infer<typeof problemDetailSchema>>;
  channelTest: SameShape<ChannelTest, z.infer<typeof alertTestSchema>['channels'][number]>;
  match: SameShape<ExplainMatch, z.infer<typeof explanationSchema>['matches'][number]>;
  diagnosis: SameShape<Diagnosis, z.infer<typeof diagnosisSchema>>;
  report: SameShape<StatusReport, z.infer<typeof statusReportSchema>>;
  status: Same<MessageStatus, z.infer<typeof statusSchema>>;
}>;
