import { glob, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';

/**
 * Checks who imports whom. The rules are data; a violation names the file, the import and the rule it breaks.
 * Cycles are refused too, and barrels (files that only hand on what others export), and code for which there is no rule.
 */
interface Layer {
  readonly folder: string;
  /** Folders and files of this repository that it may import. */
  readonly folders: readonly string[];
  /** Packages that it may import; absent = any. `node:` modules are free unless `pure`. */
  readonly packages?: readonly string[];
  /** Only these `node:` modules: pure ones, without input or output. */
  readonly pure?: readonly string[];
}

/** The first that fits a file is its layer. */
const LAYERS: readonly Layer[] = [
  { folder: 'shared/domain', folders: ['shared/domain'], packages: ['zod'], pure: ['node:crypto', 'node:url'] },
  { folder: 'shared/usecases', folders: ['shared/domain', 'shared/usecases'], packages: [], pure: ['node:crypto'] },
  { folder: 'shared/config', folders: ['shared/config', 'shared/domain'], packages: ['zod'], pure: [] },
  {
    folder: 'shared/adapters/storage',
    folders: ['shared/domain', 'shared/adapters/storage', 'shared/adapters/azure-credential.ts'],
    packages: [
      '@azure/core-rest-pipeline',
      '@azure/data-tables',
      '@azure/storage-queue',
      '@azure/storage-blob',
      '@azure/identity',
    ],
  },
  {
    folder: 'shared/adapters/key-vault',
    folders: ['shared/domain', 'shared/adapters/key-vault', 'shared/adapters/azure-credential.ts'],
    packages: ['@azure/core-rest-pipeline', '@azure/keyvault-secrets', '@azure/keyvault-keys', 'node-forge'],
  },
  {
    folder: 'shared/adapters/entra',
    folders: ['shared/domain', 'shared/adapters/entra'],
    packages: ['@azure/msal-node'],
  },
  { folder: 'shared/adapters/graph', folders: ['shared/domain', 'shared/adapters/graph'], packages: [] },
  { folder: 'shared/adapters/smtp', folders: ['shared/domain', 'shared/adapters/smtp'], packages: ['nodemailer'] },
  { folder: 'shared/adapters/mime', folders: ['shared/domain', 'shared/adapters/mime'], packages: ['nodemailer'] },
  { folder: 'shared/adapters/webhooks', folders: ['shared/domain', 'shared/adapters/webhooks'], packages: [] },
  { folder: 'shared/adapters/alerts', folders: ['shared/domain', 'shared/adapters/alerts'], packages: [] },
  {
    // Walks the whole way with the parts of the others, told to remember nothing.
    folder: 'shared/adapters/probe',
    folders: [
      'shared/domain',
      'shared/adapters/probe',
      'shared/adapters/azure-credential.ts',
      'shared/adapters/entra',
      'shared/adapters/key-vault',
    ],
    packages: ['@azure/msal-node'],
  },
  {
    folder: 'shared/adapters/doctor',
    folders: ['shared/domain', 'shared/adapters/doctor', 'shared/adapters/probe'],
    packages: [],
  },
  {
    folder: 'shared/adapters',
    folders: ['shared/domain', 'shared/adapters/azure-credential.ts'],
    packages: ['@azure/identity'],
  },
  // Runs in a browser: of the app it knows the form of its answers.
  {
    folder: 'functions/dashboard/page',
    folders: ['functions/dashboard/page', 'shared/domain'],
    packages: [],
    pure: [],
  },
  { folder: 'functions', folders: ['functions', 'shared'], packages: ['@azure/functions', 'zod'] },
  {
    folder: 'local',
    folders: ['local'],
    packages: [
      '@azure/storage-queue',
      '@azure/storage-blob',
      '@azure/data-tables',
      'node-forge',
      'postal-mime',
      'azurite',
    ],
  },
  { folder: 'scripts', folders: ['scripts', 'local', 'shared', 'functions/rotation.ts'], packages: ['esbuild'] },
  // Judges the app by its answers and its mails alone.
  { folder: 'faults', folders: ['faults', 'local', 'test/support'], packages: [] },
  {
    folder: 'bench',
    folders: ['bench', 'local', 'scripts', 'shared', 'test/support'],
    // Those of the app, and what stands in the measured comparisons.
    packages: ['@azure/data-tables', '@azure/functions', '@azure/msal-node', '@azure/storage-queue', 'nodemailer'],
  },
  {
    folder: 'test/support',
    // The benches' contents in memory serve tests with several instances, too.
    folders: ['test/support', 'local', 'shared', 'bench/deliver/memory-contents.ts'],
  },
  { folder: 'test', folders: ['test', 'faults', 'functions', 'local', 'scripts', 'shared'] },
];

const NO_CODE = ['node_modules/**', 'dist/**', '.*/**'];

interface SourceFile {
  /** Path within the repository. */
  readonly file: string;
  readonly source: string;
}

interface Import {
  readonly file: string;
  readonly specifier: string;
  /** Path within the repository, for relative imports. */
  readonly target?: string;
}

/** All violations of the repository, as sentences. Empty when the layers hold. */
export async function layerProblems(): Promise<string[]> {
  const files: SourceFile[] = [];
  for await (const file of glob('**/*.ts', { exclude: NO_CODE }))
    files.push({ file, source: await readFile(file, 'utf8') });
  return problemsIn(files);
}

/** All violations in these files. */
export function problemsIn(files: readonly SourceFile[]): string[] {
  const imports = files.flatMap(({ file, source }) => importsOf(file, source));
  return [...files.flatMap(ruleOrBarrel), ...imports.flatMap(check), ...cycles(imports)];
}

const layerOf = (file: string): Layer | undefined => LAYERS.find(({ folder }) => file.startsWith(`${folder}/`));

function ruleOrBarrel({ file, source }: SourceFile): string[] {
  const problems = layerOf(file)
    ? []
    : [`${file} is in no layer: add its folder to the rules in scripts/check-layers.ts`];
  const handedOn = /^export\s+(?:\*|(?:type\s+)?\{)[^'"}]*\}?[^'"]*from\s*['"][^'"]+['"];?$/gm;
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  if (handedOn.test(code) && code.replace(handedOn, '').trim() === '')
    problems.push(`${file} only hands on what others export: import from them`);
  return problems;
}

function importsOf(file: string, source: string): Import[] {
  const found = source.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|(?:^|[^.\w])import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g,
  );
  return [...found].map(match => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    return specifier.startsWith('.')
      ? { file, specifier, target: normalize(join(dirname(file), specifier)) }
      : { file, specifier };
  });
}

function check({ file, specifier, target }: Import): string[] {
  const layer = layerOf(file);
  if (!layer) return [];
  if (target !== undefined) {
    const allowed = layer.folders.some(folder => target === folder || target.startsWith(`${folder}/`));
    return allowed ? [] : [`${file} imports ${target}; ${layer.folder} may import ${layer.folders.join(', ')}`];
  }
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) {
    return layer.pure && !layer.pure.includes(specifier)
      ? [`${file} imports ${specifier}; ${layer.folder} is pure`]
      : [];
  }
  const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : (specifier.split('/')[0] ?? '');
  return !layer.packages || layer.packages.includes(name)
    ? []
    : [`${file} imports ${name}; ${layer.folder} may use ${layer.packages.join(', ') || 'no package'}`];
}

function cycles(imports: readonly Import[]): string[] {
  const edges = new Map<string, string[]>();
  for (const { file, target } of imports) if (target) edges.set(file, [...(edges.get(file) ?? []), target]);
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      found.push(`circular imports: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
      return;
    }
    state.set(file, 'open');
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of edges.keys()) visit(file, []);
  return found;
}

if (import.meta.main) {
  const problems = await layerProblems();
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
