/** A new version in the vault is seen within this time. */
const KEPT_MS = 5 * 60_000;
/** While the vault is away a known value serves on this long. */
const STALE_MS = 24 * 60 * 60_000;

/** Values of Key Vault secrets, read when first needed and kept for five minutes, each with one read under way at most. */
export function cachedSecrets(
  read: (name: string) => Promise<string>,
  now: () => number,
): (name: string) => Promise<string> {
  const kept = new Map<string, { readonly value: string; readonly readAtMs: number }>();
  const reading = new Map<string, Promise<string>>();
  return async name => {
    const known = kept.get(name);
    if (known && now() - known.readAtMs < KEPT_MS) return known.value;
    let pending = reading.get(name);
    if (!pending) {
      pending = read(name)
        .then(value => {
          kept.set(name, { value, readAtMs: now() });
          return value;
        })
        .finally(() => reading.delete(name));
      reading.set(name, pending);
    }
    try {
      return await pending;
    } catch (error) {
      if (known && now() - known.readAtMs < STALE_MS) return known.value;
      throw error;
    }
  };
}
