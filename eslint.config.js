import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

// Three circles, each with the bans of the one around it:
//   everywhere           no default exports
//   deterministic code   no clock, no randomness, no promises, nothing of the machine or of its locale
//   protocol cores       no raw memory, no state outside the replica's bytes
// ESLint replaces a rule's options rather than joining them, so each circle spells out its whole list.

const everywhereSyntax = [
  {
    selector: 'ExportDefaultDeclaration',
    message:
      'A default export has no name of its own, so it is called something else in each file that imports it. Export it by name.',
  },
]

/** @param {readonly string[]} names @param {string} message */
const each = (names, message) => names.map((name) => ({ name, message }))

/** A type is named where no value is: `no-restricted-globals` does not look there. */
const typeNamed = (names, message) => ({
  selector: `:matches(TSTypeReference, TSTypeQuery, TSInterfaceHeritage, TSClassImplements) > Identifier[name=/^(${names.join('|')})$/]`,
  message,
})

const clock =
  'A wall clock differs on every run, so a replay would diverge. Time is an input: set a timer, or read the virtual time of the world.'
const randomness =
  'Unseeded randomness cannot be replayed. Draw from the seeded generator that the scheduler owns.'
const timers =
  'The event loop is not under the scheduler’s control. Arm an action in the world, or set a timer on the host port.'
const promises =
  'Promises run in an order that no scheduler chose. Make the step synchronous and let its result come back as an input (a completion).'
const machine =
  'This code runs unchanged in Node, in a browser and in the checker, and must do the same in each. Take what it needs as a parameter; the command line or the runner supplies it.'
const collector =
  'The garbage collector decides when this changes, so a replay would diverge. Keep the object in a structure that is emptied explicitly.'
const locale =
  'The result depends on the locale of the machine, so a replay elsewhere would diverge. Compare code units (<, >) or format by hand.'

const deterministicGlobals = [
  ...each(['Date', 'performance'], clock),
  ...each(['crypto'], randomness),
  ...each(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'requestAnimationFrame'], timers),
  ...each(['Promise'], promises),
  ...each(['globalThis', 'process'], machine),
  ...each(['WeakRef', 'FinalizationRegistry'], collector),
  ...each(['Intl'], locale),
]

const deterministicProperties = [
  { object: 'Math', property: 'random', message: randomness },
  ...['localeCompare', 'toLocaleString', 'toLocaleLowerCase', 'toLocaleUpperCase'].map((property) => ({
    property,
    message: locale,
  })),
]

const deterministicSyntax = [
  ...everywhereSyntax,
  { selector: ':function[async=true]', message: promises },
  { selector: 'AwaitExpression, ForOfStatement[await=true], ImportExpression', message: promises },
  typeNamed(['Date'], clock),
  typeNamed(['Promise', 'PromiseLike'], promises),
]

const rawMemoryNames = [
  'ArrayBuffer',
  'ArrayBufferLike',
  'ArrayBufferView',
  'SharedArrayBuffer',
  'DataView',
  'Atomics',
  ...['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'BigInt64', 'BigUint64'].map(
    (element) => `${element}Array`,
  ),
  ...['Float16', 'Float32', 'Float64'].map((element) => `${element}Array`),
]
const rawMemory =
  'A handler never touches shared memory: a peer may write there while it runs. Declare the field in the layout and use the view that the context hands out; watch, observe and publish move what is shared.'
const outsideState =
  'All state of a replica lives in its bytes; a variable out here would be shared by every replica of the process and lost in every snapshot. Make it a field of the layout, or a const.'

const coreSyntax = [
  ...deterministicSyntax,
  typeNamed(rawMemoryNames, rawMemory),
  { selector: 'Program > VariableDeclaration[kind!="const"]', message: outsideState },
  {
    selector: 'Program > ExportNamedDeclaration > VariableDeclaration[kind!="const"]',
    message: outsideState,
  },
]

/** Relative imports are judged by the project references of TypeScript; these are the packages. */
const packagesAllowed = (names, message) => [
  'error',
  { patterns: [{ regex: `^(?!\\.${names.map((name) => `|${name}(/|$)`).join('')})`, message }] },
]

const aboveRunner = {
  regex: '(^|/)\\.\\./(cli|model-check|bench|tests|viz)/',
  message:
    'runner/ imports protocol/, sim/, native/, Node and packages. What it needs of the command line comes as a parameter.',
}

/** Code of the runner and of the command line that also runs in a browser. */
const inThePage = {
  runner: [
    'runner/recording/offline/**/*.ts',
    'runner/recording/{format,hash}.ts',
    'runner/{errors,layout-text,setup,tap,tapped-host}.ts',
  ],
  cli: ['cli/systems-in.ts', 'cli/view/{coming-systems,no-eval,page-recordings,page-worker}.ts'],
}
const ofNode = {
  regex: '^node:',
  message:
    'The worker of the page carries this code, and there is no Node in a browser. Leave files, processes and clocks to a file beside it, and take what they give as a parameter.',
}
const nodeGlobals = ['Buffer', 'process', 'setImmediate', 'global', '__dirname', '__filename']

export default defineConfig(
  globalIgnores(['my-*.ts', 'dist/', 'coverage/', '.cache/']),
  js.configs.recommended,
  {
    rules: {
      'no-restricted-syntax': ['error', ...everywhereSyntax],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strict],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // The compiler knows better what is defined.
      'no-undef': 'off',
      // With noUncheckedIndexedAccess, `cells[i]!` is the free way to say that the loop bounds the index.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],

      // Rules that need types, only those that have caught real bugs.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/no-base-to-string': 'error',
      '@typescript-eslint/restrict-plus-operands': 'error',
      '@typescript-eslint/no-for-in-array': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      // `any` comes in through JSON.parse and untyped packages; these stop it at the border.
      '@typescript-eslint/no-unsafe-argument': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'error',
      '@typescript-eslint/no-unsafe-call': 'error',
      '@typescript-eslint/no-unsafe-member-access': 'error',
      '@typescript-eslint/no-unsafe-return': 'error',
    },
  },
  {
    files: ['**/*.mjs', '*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'console',
          'process',
          'performance',
          'URL',
          'setTimeout',
          'clearTimeout',
          'setInterval',
          'clearInterval',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['protocol/**/*.ts', 'sim/**/*.ts', 'model-check/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...deterministicGlobals],
      'no-restricted-properties': ['error', ...deterministicProperties],
      'no-restricted-syntax': ['error', ...deterministicSyntax],
    },
  },
  {
    files: ['protocol/**/*.ts'],
    rules: {
      'no-restricted-imports': packagesAllowed(
        [],
        'protocol/ imports nothing but itself, so that a core runs in every host. What it needs comes through its context or as a parameter.',
      ),
    },
  },
  {
    files: ['sim/**/*.ts'],
    rules: {
      'no-restricted-imports': packagesAllowed(
        ['pure-rand'],
        'sim/ imports protocol/ and the generator pure-rand, nothing else, so that a trace replays the same in every host. Take what it needs as a parameter.',
      ),
    },
  },
  {
    files: ['model-check/**/*.ts'],
    rules: {
      'no-restricted-imports': packagesAllowed(
        [],
        'model-check/ imports protocol/ and sim/, nothing else. Take what it needs as a parameter; the command line supplies it.',
      ),
    },
  },
  {
    files: ['native/**/*.ts'],
    rules: {
      'no-restricted-imports': packagesAllowed(
        ['node:\\w+'],
        'native/ imports the library of Node, nothing else.',
      ),
    },
  },
  {
    files: ['runner/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [aboveRunner],
        },
      ],
    },
  },
  {
    // What the worker of the page carries too.
    files: inThePage.runner,
    rules: {
      'no-restricted-imports': ['error', { patterns: [aboveRunner, ofNode] }],
      'no-restricted-globals': ['error', ...each(nodeGlobals, ofNode.message)],
    },
  },
  {
    files: inThePage.cli,
    rules: {
      'no-restricted-imports': ['error', { patterns: [ofNode] }],
      'no-restricted-globals': ['error', ...each(nodeGlobals, ofNode.message)],
    },
  },
  {
    files: ['viz/page/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(?!\\.|d3-(axis|hierarchy|scale|selection|zoom)$|xstate$)',
              message:
                'The page runs in a browser and stays small: it imports what it says to its session, the modules of d3 that are named here, and xstate.',
            },
            {
              regex: '(^|/)\\.\\./(protocol|sim|model-check|native|runner|cli|bench|tests)/',
              message:
                'The page shows what its session answers; cores and worlds live there. Ask for it with a method of viz/session/protocol.ts.',
            },
          ],
        },
      ],
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map((property) => ({
          property,
          message:
            'Text of a trace must never become markup. Make elements with `h` and `svg` of viz/page/dom.ts.',
        })),
      ],
    },
  },
  {
    files: ['viz/session/**/*.ts'],
    rules: {
      'no-restricted-imports': packagesAllowed(
        [],
        'viz/session/ runs in a web worker and in Node: it imports protocol/ and sim/, nothing else. Take what it needs as a parameter.',
      ),
    },
  },
  {
    files: ['protocol/*/core*.ts', 'protocol/*/*-core.ts'],
    rules: {
      'no-restricted-globals': ['error', ...deterministicGlobals, ...each(rawMemoryNames, rawMemory)],
      'no-restricted-syntax': ['error', ...coreSyntax],
    },
  },
  {
    // Tools read their configuration and their plugins from a default export.
    files: ['eslint.config.js', '*.config.ts', 'scripts/outcome-reporter.mjs'],
    rules: { 'no-restricted-syntax': 'off' },
  },
)
