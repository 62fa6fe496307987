/** Microsoft Graph's address by the host of the cloud's Entra ID (Microsoft, "National cloud deployments"). */
const BY_AUTHORITY: Readonly<Record<string, string>> = {
  'login.microsoftonline.us': 'https://graph.microsoft.us',
  'login.partner.microsoftonline.cn': 'https://microsoftgraph.chinacloudapi.cn',
  'login.chinacloudapi.cn': 'https://microsoftgraph.chinacloudapi.cn',
};
const RESOURCES = [
  'https://graph.microsoft.com',
  'https://graph.microsoft.us',
  'https://dod-graph.microsoft.us',
  'https://microsoftgraph.chinacloudapi.cn',
];

/**
 * Where Microsoft Graph is, and the scope of tokens for it.
 *
 * @param given MICROSOFT_GRAPH_URL, e.g. for the DoD cloud, whose Entra ID is that of the other US government clouds
 */
export function graphAddress(authorityHost: string, given: string | undefined): { url: string; scope: string } {
  const usual = BY_AUTHORITY[new URL(authorityHost).host] ?? 'https://graph.microsoft.com';
  const url = given ?? usual;
  return { url, scope: `${RESOURCES.includes(url) ? url : usual}/.default` };
}
