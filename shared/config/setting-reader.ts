export interface SettingProblem {
  readonly setting: string;
  readonly problem: string;
}

/** An unresolved reference reaches code as this literal text; taken for a value it would fail in a puzzling place. */
const UNRESOLVED_REFERENCE = /^@Microsoft\.KeyVault\(/i;

/**
 * Reads settings one by one and collects what is wrong with them. Each method gives a usable stand-in after a problem,
 * so that reading goes on to the next setting.
 */
export function reader(env: Readonly<Record<string, string | undefined>>) {
  const found = new Map<string, string>();

  /** Records the first problem of a setting; later ones follow from it. */
  function problem(setting: string, text: string): void {
    if (!found.has(setting)) found.set(setting, text);
  }

  function optional(name: string): string | undefined {
    const value = env[name]?.trim();
    if (value === undefined || value === '') return undefined;
    if (UNRESOLVED_REFERENCE.test(value)) {
      problem(
        name,
        'is a Key Vault reference that the platform could not resolve; check the identity and its role on the vault',
      );
      return undefined;
    }
    return value;
  }

  function required(name: string): string {
    const value = optional(name);
    if (value === undefined) problem(name, 'is missing');
    return value ?? '';
  }

  function url(name: string, fallback: string | undefined): string {
    const value = optional(name) ?? fallback;
    if (value === undefined) {
      problem(name, 'is missing');
      return '';
    }
    const parsed = URL.parse(value.includes('://') ? value : `https://${value}`);
    if (parsed?.protocol !== 'https:' || parsed.search !== '' || parsed.username !== '') {
      problem(name, 'must be an https URL without a query');
      return '';
    }
    return parsed.href.replace(/\/+$/, '');
  }

  function number(name: string, fallback: number, min: number, max: number): number {
    const value = optional(name);
    if (value === undefined) return fallback;
    const parsed = Number(value);
    if (Number.isFinite(parsed) && parsed >= min && parsed <= max) return parsed;
    problem(name, `must be a number from ${min} to ${max}`);
    return fallback;
  }

  function oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const value = optional(name);
    if (value === undefined) return fallback;
    const match = values.find(candidate => candidate === value.toLowerCase());
    if (match === undefined) problem(name, `must be one of ${values.join(', ')}`);
    return match ?? fallback;
  }

  function json(name: string, fallback: unknown): unknown {
    const value = optional(name);
    if (value === undefined) return fallback;
    try {
      return JSON.parse(value);
    } catch {
      problem(name, 'is not valid JSON');
      return fallback;
    }
  }

  return {
    problem,
    optional,
    required,
    url,
    number,
    oneOf,
    json,
    has: (name: string) => optional(name) !== undefined,
    problems: (): SettingProblem[] => [...found].map(([setting, text]) => ({ setting, problem: text })),
  };
}

export type SettingReader = ReturnType<typeof reader>;
