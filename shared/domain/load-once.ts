/**
 * What `load` gives, asked for when it is first needed and then kept; all who ask meanwhile wait for the same. A failure is
 * thrown to those who wait and forgotten: whoever asks next tries anew.
 */
export function loadOnce<T>(load: () => Promise<T>): () => Promise<T> {
  const loadFor = loadOnceEach<undefined, T>(load);
  return () => loadFor(undefined);
}

/** The same for each key. */
export function loadOnceEach<K, T>(load: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const loads = new Map<K, Promise<T>>();
  return key => {
    const known = loads.get(key);
    if (known) return known;
    const loading = load(key);
    loads.set(key, loading);
    loading.catch(() => loads.delete(key));
    return loading;
  };
}
