import type { CatalogueEntry, FailureStage } from './diagnosis.ts';
import { sources } from './sources.ts';

// Never 'final': a connection lost after the last byte leaves the outcome open, which is another entry.
const beforeVerdict: readonly FailureStage[] = ['greeting', 'ehlo', 'tls', 'auth', 'mail', 'rcpt', 'data', 'content'];
const connecting: readonly FailureStage[] = ['dns', 'tcp'];

/** The way to the submission server: names, connections, silence. */
export const network = [
  {
    code: 'dns_not_found',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The mail server’s name does not exist in DNS',
    cause:
      'The name server says that the host in SMTP_HOST does not exist. Either the setting has a typing error, or the virtual network’s own DNS server does not know public names.',
    remedy:
      'Check the name: `nslookup smtp.office365.com`. Show the setting: `az functionapp config appsettings list --name <app> --resource-group <group> --query "[?name==\'SMTP_HOST\']"`. In a virtual network with its own DNS server, let that server forward public names (168.63.129.16).',
    source: sources.nodeErrors,
    matches: [{ stages: connecting, errorCodes: ['ENOTFOUND', 'ENODATA'] }],
    samples: ['Error: getaddrinfo ENOTFOUND smtp.office365.com'],
  },
  {
    code: 'dns_unavailable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The name server gave no answer',
    cause: 'The look-up of the mail server’s name ran out of time or failed. This usually passes within seconds.',
    remedy:
      'Nothing at first: the message is tried again. If it lasts, check the DNS servers of the virtual network: `az network vnet show --name <vnet> --resource-group <group> --query dhcpOptions.dnsServers`.',
    source: sources.nodeErrors,
    matches: [{ stages: connecting, errorCodes: ['EAI_AGAIN', 'EDNS', 'ESERVFAIL', 'ETIMEOUT', 'EREFUSED'] }],
    samples: ['Error: getaddrinfo EAI_AGAIN smtp.office365.com', 'Error: queryA ESERVFAIL smtp.office365.com'],
  },
  {
    code: 'tcp_refused',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The connection was refused',
    cause:
      'The host answered that nothing listens on that port. Exchange Online listens on 587; a firewall or a wrong SMTP_HOST or SMTP_PORT gives the same answer.',
    remedy:
      'Check `SMTP_HOST` (smtp.office365.com) and `SMTP_PORT` (587). From the app’s network: `nc -vz smtp.office365.com 587`. Let a firewall or network security group pass TCP 587 outwards.',
    source: sources.nodeErrors,
    matches: [{ stages: connecting, errorCodes: ['ECONNREFUSED'] }],
    samples: ['Error: connect ECONNREFUSED 40.99.10.34:587'],
  },
  {
    code: 'tcp_timeout',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'No connection within the time limit',
    cause:
      'The mail server did not answer the connection request. Most often a firewall drops TCP 587, or the route is down.',
    remedy:
      'From the app’s network: `nc -vz smtp.office365.com 587`. With virtual network integration look at the route table and the firewall: `az network nsg rule list --nsg-name <nsg> --resource-group <group> -o table` must let TCP 587 out to the Internet.',
    source: sources.nodeErrors,
    matches: [
      { stages: connecting, errorCodes: ['ETIMEDOUT', 'ECONNABORTED'] },
      { stages: connecting, errorCodes: ['ETIMEDOUT'], textPattern: /connection timeout|connect ETIMEDOUT/i },
      // Postfix, and the words alone. Behind a number they are Exchange's own: it has cut an idle connection.
      {
        textPattern:
          /\bconnect to [^\s:]{1,255}(?::\d{1,5})?: connection timed out|^(?:error: )?connection timed out\W{0,8}$/i,
      },
    ],
    samples: [
      'postfix/smtp[123]: connect to smtp.office365.com[52.97.1.1]:587: Connection timed out',
      'Error: connect ETIMEDOUT 40.99.10.34:587',
      "{ [Error: Connection timeout] code: 'ETIMEDOUT', command: 'CONN' }",
    ],
  },
  {
    code: 'tcp_unreachable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'No route to the mail server',
    cause:
      'The network has no way to the server’s address: a missing route, a gateway that is down, or IPv6 without a path.',
    remedy:
      'Look at the routes of the app’s subnet: `az network route-table route list --route-table-name <table> --resource-group <group> -o table`. If only IPv6 addresses fail, the message is tried again over IPv4.',
    source: sources.nodeErrors,
    matches: [{ stages: connecting, errorCodes: ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN'] }],
    samples: ['Error: connect ENETUNREACH 2603:1026:c0a::2:587', 'Error: connect EHOSTUNREACH 40.99.10.34:587'],
  },
  {
    code: 'tcp_proxy_failed',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The proxy gave no connection to the mail server (EPROXY)',
    cause:
      'nodemailer was told to go through a proxy, and the proxy refused or broke off. Exosend uses none by itself, so this is another program, or a proxy was put before it.',
    remedy:
      'Let TCP 587 to smtp.office365.com go out directly: `nc -vz smtp.office365.com 587`. Otherwise let the proxy pass `CONNECT smtp.office365.com:587`, and check its address and credentials.',
    source: sources.nodemailer,
    matches: [{ errorCodes: ['EPROXY'] }],
    samples: ["Error: Invalid response from proxy: 403 { code: 'EPROXY', command: 'CONN' }"],
  },
  {
    code: 'tcp_ports_exhausted',
    class: 'transient',
    retry: 'slow',
    breaker: 'none',
    scope: 'service',
    title: 'No free outbound port or socket',
    cause:
      'The instance has no source port or socket left for a new connection. Azure gives an instance few outbound ports (SNAT); something opens connections faster than it closes them.',
    remedy:
      'In the portal: Function App, Diagnose and solve problems, SNAT Port Exhaustion. A NAT gateway on the integration subnet raises the number: `az network vnet subnet update --name <subnet> --vnet-name <vnet> --resource-group <group> --nat-gateway <natGateway>`.',
    source: 'https://learn.microsoft.com/azure/app-service/troubleshoot-intermittent-outbound-connection-errors',
    matches: [{ errorCodes: ['EADDRNOTAVAIL', 'EADDRINUSE', 'EMFILE', 'ENFILE', 'ENOBUFS'] }],
    samples: ['Error: connect EADDRNOTAVAIL 40.99.10.34:587'],
  },
  {
    code: 'smtp_greeting_timeout',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The server accepted the connection and stayed silent',
    cause:
      'The connection stands, yet no greeting (220) came. The front end is overloaded, or a device in between holds the connection back. A port that expects TLS at once (465) behaves like this too.',
    remedy:
      'Nothing at first: the message is tried again. If it lasts, check that `SMTP_PORT` is 587 and look at the service health: Microsoft 365 admin center, Health, Service health, Exchange Online.',
    source: sources.rfc5321,
    matches: [
      { stages: ['greeting'], errorCodes: ['ETIMEDOUT'] },
      { stages: ['greeting'], textPattern: /greeting never received/i },
    ],
    samples: ["Error: Greeting never received { code: 'ETIMEDOUT', command: 'CONN' }"],
  },
  {
    code: 'smtp_connection_lost',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The connection broke before the message was complete',
    cause:
      'The connection ended before the last byte of the message was sent, so the server cannot have accepted it. Idle connections are cut by Exchange after some minutes; front ends also close when they restart.',
    remedy:
      'Nothing: the message is sent again over a new connection. If it happens to every message, look for a firewall or proxy that ends connections on TCP 587, and at the service health of Exchange Online.',
    source: sources.nodemailer,
    matches: [
      {
        stages: beforeVerdict,
        errorCodes: ['ECONNRESET', 'EPIPE', 'ECONNECTION', 'ESOCKET', 'ECONNABORTED'],
      },
      // A refused or vanished socket reported under nodemailer's general codes while still connecting.
      { stages: ['tcp'], errorCodes: ['ECONNRESET', 'ECONNECTION', 'ESOCKET', 'EPIPE'] },
    ],
    samples: [
      "Error: read ECONNRESET { code: 'ESOCKET', syscall: 'read', command: 'CONN' }",
      "Error: Connection closed unexpectedly { code: 'ECONNECTION', command: 'CONN' }",
      'Error: write EPIPE',
    ],
  },
  {
    code: 'smtp_timeout',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The server stopped answering in the middle',
    cause:
      'A command got no reply within its time limit. The message was not complete yet, so it cannot have been accepted.',
    remedy:
      'Nothing: the message is tried again. If it lasts, look at Microsoft 365 admin center, Health, Service health, Exchange Online.',
    source: sources.rfc5321,
    matches: [
      {
        stages: ['ehlo', 'tls', 'auth', 'mail', 'rcpt', 'data', 'content'],
        errorCodes: ['ETIMEDOUT', 'SOCKET_TIMEOUT'],
      },
    ],
    samples: ["Error: Timeout { code: 'ETIMEDOUT', command: 'RCPT TO' }"],
  },
  {
    code: 'smtp_protocol_error',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The answer was not SMTP',
    cause:
      'What came back is not a reply that SMTP knows. Usually something else answers: a proxy, a captive portal, or the wrong port.',
    remedy:
      'Look at the greeting yourself: `openssl s_client -starttls smtp -crlf -connect smtp.office365.com:587`. Check `SMTP_HOST` and `SMTP_PORT`, and any proxy that handles TCP 587.',
    source: sources.nodemailer,
    matches: [{ stages: ['tcp', ...beforeVerdict], errorCodes: ['EPROTOCOL'] }],
    samples: ["Error: Invalid greeting. response=HTTP/1.1 400 Bad Request { code: 'EPROTOCOL', command: 'CONN' }"],
  },
] as const satisfies readonly CatalogueEntry[];
