/** On the local cloud the admin's part is done here: the registration gets the certificate. */
export async function registerAsAdmin(controlUrl: string, clientId: string, pem: string): Promise<void> {
  const state = (await (await fetch(`${controlUrl}/state`)).json()) as {
    world: { apps: { clientId: string; certificates: string[] }[] };
  };
  const known = state.world.apps.find(app => app.clientId === clientId)?.certificates ?? [];
  if (known.includes(pem)) return;
  const body = JSON.stringify({ app: { certificates: [...known, pem] } });
  await fetch(`${controlUrl}/world`, { method: 'PATCH', body });
}
