import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Claims a folder for this process, by a file with its id: two Azurites on the same data would destroy it.
 * @returns how to give it back; undefined when another process that is still alive has it
 */
export async function claimFolder(folder: string): Promise<(() => Promise<void>) | undefined> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'in-use-by.pid');
  for (const isLastTry of [false, true]) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = Number(await readFile(file, 'utf8').catch(() => ''));
    // Our own id in it is of a process before us: in containers every start gets the same.
    if (isLastTry || (owner !== process.pid && isAlive(owner))) return undefined;
    // Its owner was killed before it could give the folder back.
    await rm(file, { force: true });
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
