export type RouteParameters = Record<string, string>;

/** A compiled route: gives the parameters of a path that it matches, undefined for any other path. */
type RouteMatcher = (path: string) => RouteParameters | undefined;

/** Inline constraints of ASP.NET Core routing, those that need no argument. */
const constraints: Record<string, RegExp> = {
  alpha: /^[a-z]*$/i,
  bool: /^(true|false)$/i,
  guid: /^\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?$/i,
  int: /^[+-]?\d{1,10}$/,
  long: /^[+-]?\d{1,19}$/,
};

type Parameter = { name: string; optional: boolean; fallback?: string; tests: RegExp[] };

/**
 * Compiles a route template such as `api/messages/{id:guid}`, `files/{*rest}` or `items/{id?}`. Literals do not
 * distinguish case; values are percent-decoded, except `%2F`, as by the real host.
 * https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
 * @throws Error for a constraint this host does not know.
 */
export function compileRoute(template: string): RouteMatcher {
  const parameters: Parameter[] = [];
  const segments = template.split('/').filter(segment => segment !== '');
  const pattern = segments.map(segment => compileSegment(segment, parameters)).join('');
  const expression = new RegExp(`^${pattern}/?$`, 'i');
  return path => {
    const match = expression.exec(path === '/' ? '' : path);
    if (!match) return undefined;
    const values: RouteParameters = {};
    for (const [index, { name, fallback, tests }] of parameters.entries()) {
      const text = match[index + 1];
      const value = text === undefined || text === '' ? fallback : decodePath(text);
      if (value === undefined) continue;
      if (!tests.every(test => test.test(value))) return undefined;
      values[name] = value;
    }
    return values;
  };
}

function compileSegment(segment: string, parameters: Parameter[]): string {
  let pattern = '';
  let rest = segment;
  const whole = /^\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}$/.test(segment);
  while (rest !== '') {
    const match = /^\{(\*{0,2})([a-z_]\w*)((?::[a-z]+(?:\((?:[^()]|\([^()]*\))*\))?)*)(?:=([^}]*))?(\?)?\}/i.exec(rest);
    if (match) {
      const catchAll = match[1] !== '';
      const parameter: Parameter = {
        name: match[2] as string,
        optional: match[5] !== undefined || match[4] !== undefined,
        tests: [...(match[3] ?? '').matchAll(/:([a-z]+)(?:\(((?:[^()]|\([^()]*\))*)\))?/gi)].map(toTest),
      };
      if (match[4] !== undefined) parameter.fallback = match[4];
      parameters.push(parameter);
      if (catchAll) return `${pattern === '' ? '(?:/' : `/${pattern}(?:`}(.*))?`;
      if (whole && parameter.optional) return '(?:/([^/]+))?';
      pattern += '([^/]+?)';
      rest = rest.slice(match[0].length);
    } else {
      const literal = /^(?:[^{}]|\{\{|\}\})+/.exec(rest);
      if (!literal) throw new Error(`Route segment '${segment}' is not a valid template.`);
      pattern += escapeRegExp(unescapeBraces(literal[0]));
      rest = rest.slice(literal[0].length);
    }
  }
  return `/${pattern}`;
}

function toTest([text, name = '', argument]: RegExpMatchArray): RegExp {
  const known = constraints[name.toLowerCase()];
  if (known && argument === undefined) return known;
  const numbers = argument?.split(',').map(part => Number(part.trim())) ?? [];
  if (name === 'length') return new RegExp(`^.{${numbers[0]},${numbers[1] ?? numbers[0]}}$`, 's');
  if (name === 'minlength') return new RegExp(`^.{${numbers[0]},}$`, 's');
  if (name === 'maxlength') return new RegExp(`^.{0,${numbers[0]}}$`, 's');
  if (name === 'regex' && argument !== undefined) return new RegExp(unescapeBraces(argument), 'i');
  throw new Error(`Route constraint '${text}' is not known to the local host.`);
}

function unescapeBraces(text: string): string {
  return text.replaceAll('{{', '{').replaceAll('}}', '}');
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function decodePath(text: string): string {
  const parts = text.split(/%2f/i).map(part => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part; // a stray % stays what it is
    }
  });
  return parts.join('%2F');
}
