import { app } from '@azure/functions';

/** Reads a streamed body and keeps nothing: what host, library and garbage take by themselves. */
app.setup({ enableHttpStream: true });

app.http('read', {
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async request => {
    let bytes = 0;
    for await (const chunk of request.body ?? []) bytes += (chunk as Uint8Array).length;
    return { status: 202, jsonBody: { bytes } };
  },
});
