import { type Alert, factsOf } from '../../domain/alert.ts';
import { cardText, shortened, slackForeignText, slackText } from './alert-text.ts';

/** Of a text in a card or a message: the body of a Teams workflow may have 28 KB (Microsoft Teams, "Rate limiting for connectors"). */
const FACT_LENGTH = 1500;

/** Body of the generic webhook; `warning` and `test` carry the same fields as incidents. */
export function webhookBody(alert: Alert): string {
  const { type, atMs, incidentId, mailboxes, code, cause, remedy, sinceMs, lastGoodMs, phase, detail } = alert;
  const iso = (ms: number) => new Date(ms).toISOString();
  return JSON.stringify({
    type,
    timestamp: iso(atMs),
    data: {
      incidentId,
      title: alert.title,
      mailboxes,
      code,
      cause,
      remedy,
      since: iso(sinceMs),
      ...(lastGoodMs === undefined ? {} : { lastGood: iso(lastGoodMs) }),
      ...(phase === undefined ? {} : { phase }),
      ...(detail === undefined ? {} : { detail }),
      ...(alert.isFlapping ? { flapping: true } : {}),
      ...(alert.dashboardUrl === undefined ? {} : { dashboardUrl: alert.dashboardUrl }),
      docsUrl: alert.docsUrl,
    },
  });
}

/** Adaptive Card 1.4 in the envelope that a Teams workflow takes; later versions are not shown everywhere. */
export function teamsBody(alert: Alert): string {
  const isGood = alert.type === 'incident.closed' || alert.type === 'cleared' || alert.type === 'test';
  const links = linksOf(alert).map(([title, url]) => ({ type: 'Action.OpenUrl', title, url }));
  const facts = factsOf(alert).filter(([label]) => label !== 'What to do');
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    // Read out in notifications, where no card is shown.
    fallbackText: alert.title,
    msteams: { width: 'Full' },
    body: [
      {
        type: 'TextBlock',
        text: cardText(alert.title),
        weight: 'Bolder',
        size: 'Medium',
        wrap: true,
        color: isGood ? 'Good' : alert.type === 'warning' ? 'Warning' : 'Attention',
      },
      {
        type: 'FactSet',
        facts: facts.map(([title, value]) => ({ title, value: cardText(shortened(value, FACT_LENGTH)) })),
      },
      ...(alert.type === 'incident.closed'
        ? []
        : [{ type: 'TextBlock', text: cardText(shortened(`What to do: ${alert.remedy}`, FACT_LENGTH)), wrap: true }]),
    ],
    actions: links,
  };
  return JSON.stringify({
    type: 'message',
    summary: alert.title,
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card }],
  });
}

/** Blocks, and a text for where blocks are not shown. Limits: header 150, section 3000 (Slack, "Block Kit", read 2026-11). */
export function slackBody(alert: Alert): string {
  const lines = factsOf(alert).map(([label, value]) => {
    const escaped = (label === 'Detail' ? slackForeignText : slackText)(shortened(value, FACT_LENGTH));
    return `*${label}*: ${shortened(escaped, 2900)}`;
  });
  const links = linksOf(alert).map(([title, url]) => `<${url}|${title}>`);
  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } });
  return JSON.stringify({
    text: slackText(shortened(alert.title, 500)),
    unfurl_links: false,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: shortened(alert.title, 150), emoji: false } },
      ...lines.map(section),
      { type: 'context', elements: [{ type: 'mrkdwn', text: links.join(' · '), verbatim: true }] },
    ],
  });
}

/**
 * PagerDuty Events API v2: an incident is one alert there under its id, whatever becomes of it. A warning has the lower
 * severity; a test is triggered and left to whoever sees it.
 */
export function pagerDutyBody(alert: Alert, routingKey: string): string {
  const isEnd = alert.type === 'incident.closed' || alert.type === 'cleared';
  const base = { routing_key: routingKey, dedup_key: shortened(alert.incidentId, 255) };
  if (isEnd) return JSON.stringify({ ...base, event_action: 'resolve' });
  return JSON.stringify({
    ...base,
    event_action: 'trigger',
    payload: {
      // 1024 characters at most (PagerDuty, "PD-CEF").
      summary: shortened(alert.title, 1024),
      source: shortened(alert.mailboxes[0] ?? 'exosend', 255),
      severity: alert.type === 'test' ? 'info' : alert.type === 'warning' ? 'warning' : 'critical',
      timestamp: new Date(alert.atMs).toISOString(),
      component: 'exosend',
      class: alert.code,
      custom_details: Object.fromEntries(factsOf(alert)),
    },
    client: 'Exosend',
    ...(alert.dashboardUrl === undefined ? {} : { client_url: alert.dashboardUrl }),
    links: linksOf(alert).map(([text, href]) => ({ href, text })),
  });
}

function linksOf({ dashboardUrl, docsUrl }: Alert): readonly (readonly [title: string, url: string])[] {
  return [
    ...(dashboardUrl === undefined ? [] : ([['Dashboard', dashboardUrl]] as const)),
    ['About this cause', docsUrl] as const,
  ];
}
