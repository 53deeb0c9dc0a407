import tseslint from 'typescript-eslint';

// Which folder may import which. Feature folders never import one another; only src/daemon joins them. Daemon and
// commands share src/protocol, and only src/main.ts joins the two.
const FEATURES = ['vm', 'kvp', 'proxy', 'share'];
const MAY_IMPORT = {
  core: [],
  powershell: ['core'],
  windows: ['core'],
  kvp: ['core', 'powershell', 'windows'],
  vm: ['core', 'powershell', 'windows'],
  proxy: ['core'],
  share: ['core', 'powershell', 'windows'],
  protocol: ['core'],
  daemon: ['core', 'powershell', 'windows', 'protocol', ...FEATURES],
  cli: ['core', 'protocol'],
  // The page in the browser: messages and names only.
  dashboard: ['protocol'],
};
const FOLDERS = Object.keys(MAY_IMPORT);
const PURE = ['codec', 'plan'];

const KOFFI = '^koffi$';

function forbiddenImports(folder) {
  const allowed = [folder, ...MAY_IMPORT[folder]];
  const outside = FOLDERS.filter((other) => !allowed.includes(other));
  return [
    ...(outside.length === 0
      ? []
      : [
          {
            regex: `^(\\.\\./)+(${outside.join('|')})/`,
            message: `src/${folder} may import only ${allowed.join(', ')}.`,
          },
        ]),
    {
      regex: `^(\\.\\./)+(powershell|${FEATURES.join('|')})/(?!index\\.js$)`,
      message: 'Import another folder through its index.js.',
    },
    ...(folder === 'windows'
      ? []
      : [
          {
            // Not all of windows/: src/daemon and src/vm have inner folders of that name.
            regex:
              '^(\\.\\./)+windows/(calls|files|mutex|net|pipe|processes|secrets|service/|error-codes|security|windows-call-error)',
            message: 'Import src/windows through its index.js.',
          },
          { regex: KOFFI, message: 'Only src/windows and fanotify-calls.ts call the system.' },
        ]),
    {
      regex: '^(\\.\\./)+(core/)?(values|host)/(?!index\\.js$)',
      message: 'Import core through core/values/index.js or core/host/index.js.',
    },
    ...(['daemon', 'cli'].includes(folder)
      ? []
      : [
          {
            regex: '^winston$|^yargs',
            message: 'Only src/daemon knows the logger, and only src/cli the command line.',
          },
        ]),
  ];
}

/** For pure files and everything they are made of: values in, values out. */
const PURE_IMPORTS = [
  { regex: '^node:', message: 'Codecs, plans and values are pure: values in, values out.' },
  {
    regex: '^(\\.\\./)+(core/)?host/',
    message: 'Codecs, plans and values are pure: import from core/values only.',
  },
];

const CHILD_PROCESS = {
  name: 'node:child_process',
  message: 'Programs are run by src/core/host/run.ts: argument lists, no shell, a deadline.',
};

// One block per folder and kind: a later block replaces a rule's options, it does not add to them.
const boundaries = FOLDERS.flatMap((folder) => [
  {
    files: [`src/${folder}/**/*.{ts,tsx}`],
    ignores: ['src/core/host/run.ts', 'src/core/host/follow-program.ts'],
    rules: {
      'no-restricted-imports': ['error', { paths: [CHILD_PROCESS], patterns: forbiddenImports(folder) }],
    },
  },
  {
    files: [
      ...PURE.map((kind) => `src/${folder}/**/*.${kind}.ts`),
      ...(folder === 'core' ? ['src/core/values/*.ts'] : []),
    ],
    rules: {
      'no-restricted-imports': ['error', { patterns: [...forbiddenImports(folder), ...PURE_IMPORTS] }],
      'no-restricted-globals': ['error', 'process', 'setTimeout', 'setInterval', 'fetch', 'Buffer'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now' },
        { object: 'Math', property: 'random' },
      ],
    },
  },
]);

/** The one call of Linux that Node does not have. */
const fanotify = {
  files: ['src/share/events/linux/fanotify-calls.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      { paths: [CHILD_PROCESS], patterns: forbiddenImports('share').filter(({ regex }) => regex !== KOFFI) },
    ],
  },
};

const PLATFORM_QUESTIONS = [
  {
    selector: "MemberExpression[object.name='process'][property.name='platform']",
    message: "Take the platform's rule as a parameter; only src/daemon/platform.ts asks.",
  },
  {
    selector: "CallExpression[callee.object.name='os'][callee.property.name='platform']",
    message: 'Only src/daemon/platform.ts asks for the platform.',
  },
];
const BARE_ERROR = {
  selector: "NewExpression[callee.name='Error']",
  message: 'Throw a MobyvmError: a code, a sentence, a remedy.',
};
const COLLECTED_TIMEOUT = {
  selector: "MemberExpression[object.name='AbortSignal'][property.name='timeout']",
  message: 'Use timeLimit of core/host: Node.js may collect this signal before its time is over.',
};
const PROCESS_GLOBALS = {
  selector: "MemberExpression[object.name='process'][property.name=/^(env|argv|exit|exitCode)$/]",
  message: 'Only the entries, src/main.ts and src/service.ts, read the environment and the arguments.',
};

export default tseslint.config(
  { ignores: ['dist/', 'dist.new/', 'dist.old/', 'build/', 'node_modules/', 'coverage/'] },
  {
    files: ['src/**/*.{ts,tsx}', 'test/**/*.ts', 'bench/**/*.ts', 'vitest.config.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
      'max-depth': ['error', 3],
      'max-params': ['error', 4],
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  ...boundaries,
  fanotify,
  {
    files: ['src/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...PLATFORM_QUESTIONS,
        BARE_ERROR,
        COLLECTED_TIMEOUT,
        PROCESS_GLOBALS,
      ],
    },
  },
  {
    files: ['src/main.ts', 'src/service.ts'],
    rules: { 'no-restricted-syntax': ['error', ...PLATFORM_QUESTIONS, BARE_ERROR, COLLECTED_TIMEOUT] },
  },
  {
    // winston's own types declare its transports as interfaces, which this rule takes for foreign objects.
    files: ['src/daemon/log.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  {
    // The parameters of Windows calls are Windows' own.
    files: ['src/windows/calls/*.ts'],
    rules: { 'max-params': 'off' },
  },
  {
    files: ['src/core/host/time-limit.ts'],
    rules: { 'no-restricted-syntax': ['error', ...PLATFORM_QUESTIONS, BARE_ERROR, PROCESS_GLOBALS] },
  },
  {
    files: ['src/daemon/platform.ts'],
    rules: { 'no-restricted-syntax': ['error', BARE_ERROR] },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
);
