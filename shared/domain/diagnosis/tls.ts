import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const showChain =
  '`openssl s_client -starttls smtp -connect smtp.office365.com:587 -servername smtp.office365.com -showcerts`';

/** TLS: certificates and protocol of any server on the way, and STARTTLS on the submission server. */
export const tls = [
  {
    code: 'tls_certificate_expired',
    class: 'configuration',
    retry: 'slow',
    breaker: 'opens',
    scope: 'service',
    title: 'The server’s certificate is outside its period of validity',
    cause:
      'The certificate shown by the server has expired or is not valid yet. Microsoft renews its own in time, so either a device in between shows its own certificate or this machine’s clock is wrong.',
    remedy: `Look at the chain: ${showChain}. If the issuer is your own proxy, renew the proxy’s certificate or let TCP 587 pass it. On a laptop compare the clock with a time server.`,
    source: sources.nodeTls,
    matches: [
      { errorCodes: ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'] },
      { stages: ['tls'], textPattern: /certificate (?:has expired|is not yet valid)/i },
    ],
    samples: ["Error: certificate has expired { code: 'CERT_HAS_EXPIRED' }"],
  },
  {
    code: 'tls_certificate_untrusted',
    class: 'configuration',
    retry: 'slow',
    breaker: 'opens',
    scope: 'service',
    title: 'The server’s certificate is not trusted',
    cause:
      'No authority known to Node signed the server’s certificate. The usual reason is a firewall that opens TLS and signs with a company certificate. Checking is never switched off: a token must not be given to an unknown server.',
    remedy: `Look at who signed it: ${showChain} (for Key Vault and Entra ID their host with port 443, without \`-starttls smtp\`). Exempt the host from TLS inspection, or give Node the company’s root: \`az functionapp config appsettings set --name <app> --resource-group <group> --settings NODE_EXTRA_CA_CERTS=<path to PEM>\`.`,
    source: sources.nodeTls,
    matches: [
      {
        errorCodes: [
          'SELF_SIGNED_CERT_IN_CHAIN',
          'DEPTH_ZERO_SELF_SIGNED_CERT',
          'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
          'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
          'UNABLE_TO_GET_ISSUER_CERT',
          'CERT_UNTRUSTED',
          'CERT_REVOKED',
          'CERT_REJECTED',
          'INVALID_CA',
        ],
      },
      { textPattern: /self[- ]signed certificate|unable to (?:verify the first|get (?:local )?issuer) certificate/i },
    ],
    samples: [
      "Error: self-signed certificate in certificate chain { code: 'SELF_SIGNED_CERT_IN_CHAIN' }",
      "Error: unable to verify the first certificate { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }",
    ],
  },
  {
    code: 'tls_name_mismatch',
    class: 'configuration',
    retry: 'slow',
    breaker: 'opens',
    scope: 'service',
    title: 'The certificate belongs to another host name',
    cause:
      'The server’s certificate does not carry the name that was asked for. SMTP_HOST holds an IP address or an alias, or something else answers under that name.',
    remedy: `Set \`SMTP_HOST\` to the real name (smtp.office365.com worldwide, smtp.office365.us for GCC High, smtp.partner.outlook.cn in China). See which names the certificate carries: ${showChain}.`,
    source: sources.nodeTls,
    matches: [
      { errorCodes: ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'] },
      { textPattern: /hostname\/IP does not match certificate/i },
    ],
    samples: [
      "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: Host: mail.contoso.com. is not in the cert's altnames",
    ],
  },
  {
    code: 'tls_protocol_mismatch',
    class: 'configuration',
    retry: 'slow',
    breaker: 'opens',
    scope: 'service',
    title: 'The two sides found no common TLS version',
    cause:
      'The handshake failed on its version. Exchange Online takes TLS 1.2 and later only. “Wrong version number” often means that the other side did not speak TLS at all: the wrong port, or a proxy that answers in clear text.',
    remedy:
      'Check that `SMTP_PORT` is 587 (STARTTLS), not 465. Try the handshake: `openssl s_client -starttls smtp -tls1_2 -connect smtp.office365.com:587`. Remove a NODE_OPTIONS setting that lowers or fixes the TLS version.',
    source: sources.nodeTls,
    matches: [
      {
        errorCodes: [
          'EPROTO',
          'ERR_SSL_WRONG_VERSION_NUMBER',
          'ERR_SSL_UNSUPPORTED_PROTOCOL',
          'ERR_SSL_NO_PROTOCOLS_AVAILABLE',
          'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
          'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
          'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
          'ERR_TLS_PROTOCOL_VERSION_CONFLICT',
        ],
      },
      {
        textPattern: /wrong version number|unsupported protocol|alert protocol version|tls(?: |_)version/i,
        stages: ['tls'],
      },
    ],
    samples: [
      "Error: write EPROTO 0:error:0A00010B:SSL routines:ssl3_get_record:wrong version number { code: 'EPROTO' }",
      "Error: unsupported protocol { code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' }",
    ],
  },
  {
    code: 'tls_starttls_not_offered',
    class: 'configuration',
    retry: 'slow',
    breaker: 'opens',
    scope: 'service',
    title: 'The server does not offer STARTTLS',
    cause:
      'The answer to EHLO lacks STARTTLS. Exchange Online always offers it, so a device in between has removed it, or SMTP_HOST names another server. Without TLS no token is sent.',
    remedy:
      'Look at the answer to EHLO: `openssl s_client -starttls smtp -crlf -connect smtp.office365.com:587`. Switch off SMTP inspection (“fixup”, “ESMTP inspection”) on the firewall for TCP 587.',
    source: sources.rfc3207,
    matches: [
      { errorCodes: ['STARTTLS_NOT_OFFERED'] },
      {
        stages: ['ehlo', 'tls'],
        textPattern:
          /STARTTLS (?:is |was )?not (?:offered|supported|advertised|available)|does not (?:offer|support) (?:required )?STARTTLS|HELO does not support required STARTTLS/i,
      },
    ],
    samples: ['Error: EHLO failed but HELO does not support required STARTTLS. response=250 relay.contoso.local'],
  },
  {
    code: 'tls_starttls_refused',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The server refused to start TLS',
    cause:
      'The server offered STARTTLS and then answered the command with an error. That is trouble of the server, and it passes.',
    remedy:
      'Nothing at first: the message is tried again. If it lasts, look at Microsoft 365 admin center, Health, Service health, Exchange Online.',
    source: sources.rfc3207,
    matches: [
      { replyCodes: [454], textPattern: /TLS (?:is )?(?:currently )?(?:not available|unavailable)/i },
      { textPattern: /error upgrading connection with STARTTLS/i },
    ],
    samples: [
      '454 4.7.0 TLS not available due to temporary reason',
      "Error: Error upgrading connection with STARTTLS: 454 TLS not available { code: 'ETLS', command: 'STARTTLS' }",
    ],
  },
  {
    code: 'tls_failed',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The TLS handshake did not finish',
    cause: 'The connection broke while TLS was being set up, without a reason that is known here.',
    remedy: `The message is tried again. If it lasts, run the handshake by hand and read the last lines: ${showChain}.`,
    source: sources.nodeTls,
    matches: [
      { errorCodes: ['ETLS', 'ERR_TLS_HANDSHAKE_TIMEOUT'] },
      { stages: ['tls'], textPattern: /error initiating TLS|secure TLS connection was established/i },
    ],
    samples: [
      "Error: Error initiating TLS - Client network socket disconnected before secure TLS connection was established { code: 'ETLS', command: 'STARTTLS' }",
    ],
  },
] as const satisfies readonly CatalogueEntry[];
