/**
 * Node flags for a child that must not outlive us. Neither Azurite nor the host notices when its parent is killed; an IPC
 * channel does, also after SIGKILL. The child then ends as on SIGTERM, or after `graceMs` at the latest. Spawn it with
 * `'ipc'` in `stdio`.
 */
export function endWithParent(graceMs: number): string[] {
  // Emitted, not sent: on Windows a signal to oneself would end the process on the spot.
  const program =
    'process.on("disconnect",()=>{' +
    `setTimeout(()=>process.exit(0),${graceMs}).unref();` +
    'if(!process.emit("SIGTERM","SIGTERM"))process.exit(0)})';
  return ['--import', `data:text/javascript,${encodeURIComponent(program)}`];
}
