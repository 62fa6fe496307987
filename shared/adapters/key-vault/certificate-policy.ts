/** A policy as the Azure CLI reads and writes it; the file in infra/ has this form, so that `az` can take it, too. */
interface CliPolicy {
  readonly issuerParameters: { readonly name: string };
  readonly keyProperties: {
    readonly exportable: boolean;
    readonly keyType: string;
    readonly keySize: number;
    readonly reuseKey: boolean;
  };
  readonly secretProperties: { readonly contentType: string };
  readonly x509CertificateProperties: {
    readonly subject: string;
    readonly validityInMonths: number;
    readonly keyUsage?: readonly string[];
    readonly ekus?: readonly string[];
  };
}

/** The policy of the Azure CLI's form in that of the REST API, with Key Vault telling and not renewing. */
export function policyFromCli(policy: CliPolicy): object {
  const { keyProperties: key, x509CertificateProperties: x509 } = policy;
  return notifyingPolicy({
    issuer: { name: policy.issuerParameters.name },
    key_props: { exportable: key.exportable, kty: key.keyType, key_size: key.keySize, reuse_key: key.reuseKey },
    secret_props: { contentType: policy.secretProperties.contentType },
    x509_props: {
      subject: x509.subject,
      validity_months: x509.validityInMonths,
      ...(x509.keyUsage ? { key_usage: x509.keyUsage } : {}),
      ...(x509.ekus ? { ekus: x509.ekus } : {}),
    },
  });
}

/**
 * A policy of the REST API made fit for a certificate that is rotated by the app: Key Vault sends a notice at 80 % of the
 * life and renews nothing, since a version that it makes by itself is unknown to Entra ID.
 */
export function notifyingPolicy(policy: Readonly<Record<string, unknown>>): object {
  const { id: _id, attributes: _attributes, ...rest } = policy;
  return {
    ...rest,
    lifetime_actions: [{ trigger: { lifetime_percentage: 80 }, action: { action_type: 'EmailContacts' } }],
  };
}
