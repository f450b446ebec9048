/**
 * SYSTEM arguments: the name of a system that comes with Aviary, or the path of a module (`./my-protocol.ts`, with
 * `#name` when it exports several).
 *
 * Contract. A module is bundled with esbuild, so TypeScript needs no set-up on the user's side; its types are not checked.
 * Its imports of `aviary`, `aviary/protocol`, … are those of this installation, whatever is in the user's node_modules:
 * there is one copy of every class. Whatever is wrong with a module is told as a UsageError that names the field.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildFailure, OnResolveResult, OutputFile, Plugin } from 'esbuild'
import { z } from 'zod'
import { litmusSystem } from '../model-check/litmus/index.js'
import { type SystemDefinition, faultKinds, systems } from '../protocol/index.js'
import { type Setup, buildModel, buildWorld, defaultSetup } from '../sim/index.js'
import { installation, messageOf, placeOf } from './error-place.js'
import { UsageError, nearest, oneLine, unknownName } from './errors.js'
import { parseProgram, readProgram } from './litmus-file.js'
import { type SystemSource, importModule } from './system-source.js'
import { systemsIn } from './systems-in.js'

export interface LoadedSystem {
  readonly definition: SystemDefinition
  readonly source: SystemSource
  /** 12 hex digits that change when the code of the system, of `protocol/` or of `sim/` does. */
  readonly codeFingerprint: string
  /** As the user wrote it, without `#name`; undefined for a built-in. */
  readonly modulePath: string | undefined
  /** What to write on a command line to get this system again. */
  readonly argument: string
}

export async function loadSystem(argument: string): Promise<LoadedSystem> {
  const builtIn = systems.find((system) => system.name === argument)
  if (builtIn !== undefined)
    return {
      definition: builtIn,
      source: { kind: 'built-in', name: builtIn.name },
      codeFingerprint: installedFingerprint(),
      modulePath: undefined,
      argument,
    }
  const names = systems.map((system) => system.name)
  if (argument.endsWith('.litmus')) return litmusFrom(argument, readProgram(argument))
  if (isPath(argument)) return loadModule(argument)
  if (statSync(argument, { throwIfNoEntry: false })?.isFile() === true)
    throw new UsageError(
      `SYSTEM ${JSON.stringify(argument)} is a file, but not a name`,
      `write ./${argument}`,
    )
  const near = nearest(argument, names)
  throw new UsageError(
    `SYSTEM: there is no ${JSON.stringify(argument)}`,
    `${near === undefined ? '' : `did you mean ${near}? `}one of ${names.join(', ')}, or the path of a module (./my-protocol.ts).`,
  )
}

/** The system that the text of a litmus program is. Such a program is data, so a trace may carry it. */
export function litmusFrom(path: string, text: string): LoadedSystem {
  return {
    definition: litmusSystem(parseProgram(path, text)),
    source: { kind: 'litmus', file: path, text },
    codeFingerprint: shortHash([installedFingerprint(), text]),
    modulePath: path,
    argument: path,
  }
}

const moduleEnding = /\.[cm]?[jt]s(#|$)/
const isPath = (argument: string): boolean => /[/\\]/.test(argument) || moduleEnding.test(argument)

// ---- modules

async function loadModule(argument: string): Promise<LoadedSystem> {
  const [path, wanted] = splitName(argument)
  const file = resolve(path)
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) throw new UsageError(`SYSTEM ${path}: there is no such file`, 'check the path.')
  if (!stat.isFile())
    throw new UsageError(`SYSTEM ${path}: is not a file`, 'name the module that exports the system.')
  const { bundleUrl, codeFingerprint } = await bundle(path, file)
  const exports = await importBundle(path, bundleUrl)
  const found = systemsIn(exports)
  if (found.length === 0) {
    const names = Object.keys(exports)
    throw new UsageError(
      `SYSTEM ${path}: exports no system (${names.length === 0 ? 'it exports nothing' : `its exports are ${names.join(', ')}`})`,
      'export one: export const system = defineSystem({ name, summary, nodes, parameters, bugs, build }).',
    )
  }
  for (const definition of found) checkDefinition(path, definition)
  const names = found.map((definition) => definition.name)
  if (new Set(names).size < names.length)
    throw new UsageError(
      `SYSTEM ${path}: exports two systems of one name (${names.join(', ')})`,
      'rename one.',
    )
  if (wanted === undefined && found.length > 1)
    throw new UsageError(
      `SYSTEM ${path}: exports ${String(found.length)} systems`,
      `choose one: ${names.map((name) => `${path}#${name}`).join(' or ')}`,
    )
  const definition = wanted === undefined ? found[0]! : found.find(({ name }) => name === wanted)
  if (definition === undefined) throw unknownName(`SYSTEM ${path}: exports no system`, wanted ?? '', names)
  checkModel(path, definition)
  return {
    definition,
    source: { kind: 'bundle', bundleUrl, name: definition.name },
    codeFingerprint,
    modulePath: path,
    argument,
  }
}

function splitName(argument: string): [string, string | undefined] {
  const at = argument.lastIndexOf('#')
  return at < 0 || existsSync(argument)
    ? [argument, undefined]
    : [argument.slice(0, at), argument.slice(at + 1)]
}

const packageFile = join(dirname(installation), 'package.json')
/** Stands for this installation in a bundle, so that its fingerprint is the same wherever Aviary is installed. */
const installationMark = 'aviary-installation:'

const packageJson = z.object({
  version: z.string(),
  exports: z.record(z.string(), z.union([z.string(), z.object({ default: z.string() })])),
})
export const readPackage = (): z.infer<typeof packageJson> =>
  packageJson.parse(JSON.parse(readFileSync(packageFile, 'utf8')))

/**
 * `aviary`, `aviary/protocol`, … are what this installation exports.
 *
 * @param resolved what stands for a file of the installation
 */
export const aviaryImports = (resolved: (file: string) => OnResolveResult): Plugin => ({
  name: 'aviary',
  setup(build) {
    const { exports } = readPackage()
    build.onResolve({ filter: /^aviary(\/|$)/ }, ({ path }) => {
      const entry = exports[`.${path.slice('aviary'.length)}`]
      if (typeof entry !== 'object')
        return { errors: [{ text: `${JSON.stringify(path)} is not exported by Aviary` }] }
      return resolved(entry.default.replace(/^\.\/dist\//, ''))
    })
  },
})

interface Bundle {
  readonly bundleUrl: string
  readonly codeFingerprint: string
}

async function bundle(path: string, file: string): Promise<Bundle> {
  const esbuild = await import('esbuild')
  const folder = bundleFolder()
  const outfile = join(folder, `${basename(file).replace(/\.[^.]*$/, '')}.mjs`)
  let outputs: readonly OutputFile[]
  try {
    const result = await esbuild.build({
      entryPoints: [file],
      absWorkingDir: dirname(file),
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      conditions: ['import', 'default'],
      target: 'node20',
      sourcemap: 'external',
      charset: 'utf8',
      write: false,
      logLevel: 'silent',
      plugins: [aviaryImports((file) => ({ path: `${installationMark}${file}`, external: true }))],
    })
    outputs = result.outputFiles
  } catch (error) {
    throw bundleError(path, error as BuildFailure)
  }
  const script = outputs.find((output) => output.path.endsWith('.mjs'))!
  const map = outputs.find((output) => output.path.endsWith('.map'))!
  const here = pathToFileURL(`${installation}/`).href
  const text = script.text.replaceAll(installationMark, here)
  writeFileSync(outfile, `${text}//# sourceMappingURL=${basename(map.path)}\n`)
  writeFileSync(map.path, map.contents)
  const codeFingerprint = shortHash([installedFingerprint(), script.text])
  return { bundleUrl: pathToFileURL(outfile).href, codeFingerprint }
}

function bundleError(path: string, failure: BuildFailure): UsageError {
  const first = (failure.errors as BuildFailure['errors'] | undefined)?.[0]
  if (first === undefined)
    return new UsageError(`SYSTEM ${path}: ${oneLine(failure.message)}`, 'check that the module can be read.')
  const { location, text } = first
  const where =
    location === null
      ? path
      : `${join(dirname(path), location.file)}:${String(location.line)}:${String(location.column + 1)}`
  const unresolved = /^Could not resolve "([^"]*)"/.exec(text)?.[1]
  if (unresolved === undefined)
    return new UsageError(`SYSTEM ${where}: ${text}`, 'mend the source at that place.')
  const mend = /^[./]/.test(unresolved)
    ? 'check the path of the import.'
    : 'a protocol sees neither Node nor the browser, so that it runs the same everywhere: import from aviary, from files beside it, or install the package that is missing.'
  return new UsageError(`SYSTEM ${where}: cannot import ${JSON.stringify(unresolved)}`, mend)
}

let folderOfBundles: string | undefined
/** A folder of this process alone, gone when it ends. */
function bundleFolder(): string {
  if (folderOfBundles === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'aviary-'))
    process.once('exit', () => {
      rmSync(folder, { recursive: true, force: true })
    })
    folderOfBundles = folder
  }
  return mkdtempSync(join(folderOfBundles, 'bundle-'))
}

async function importBundle(path: string, url: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await importModule(url)
  } catch (error) {
    throw new UsageError(
      `SYSTEM ${path}: throws while it is loaded: ${messageOf(error)}${placeOf(error)}`,
      'mend the module; AVIARY_DEBUG=1 shows the whole stack.',
    )
  }
}

// ---- checks

const wholeNumber = z.number('must be a number').int('must be a whole number')
const name = z.string('must be a text').min(1, 'must not be empty')
const definitionSchema = z
  .object({
    name: name.regex(/^[\w.-]+$/, 'may have letters, digits, ".", "_" and "-" only'),
    summary: z.string('must be a text'),
    nodes: z
      .object(
        {
          minimum: wholeNumber.min(1, 'must be at least 1'),
          maximum: wholeNumber,
          default: wholeNumber,
          noun: z.string('must be a text, for instance "replicas"'),
        },
        'must be { minimum, maximum, default, noun }',
      )
      .refine(
        (n) => n.minimum <= n.default && n.default <= n.maximum,
        'must have minimum ≤ default ≤ maximum',
      ),
    parameters: z.record(
      z.string(),
      z
        .object(
          {
            minimum: wholeNumber,
            maximum: wholeNumber,
            default: wholeNumber,
            meaning: z.string('must be a text'),
          },
          'must be { minimum, maximum, default, meaning }',
        )
        .refine(
          (p) => p.minimum <= p.default && p.default <= p.maximum,
          'must have minimum ≤ default ≤ maximum',
        ),
      'must be an object of parameters, {} for none',
    ),
    bugs: z.record(
      z.string(),
      z.object(
        {
          story: z.string('must be a text'),
          fix: z.string('must be a text'),
          caughtBy: z.array(z.string(), 'must be a list of names of properties'),
        },
        'must be { story, fix, caughtBy }',
      ),
      'must be an object of wrong variants, {} for none',
    ),
    build: z.custom((value) => typeof value === 'function', 'must be a function'),
  })
  .loose()

/** Infinity: any number. */
const budget = z.custom(
  (value) => typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Infinity),
  'must be a whole number or Infinity',
)
const property = z.object(
  {
    name,
    meaning: z.string('must be a text'),
    check: z.custom((value) => typeof value === 'function', 'must be a function'),
  },
  'must be { name, meaning, check }',
)
const modelSchema = z
  .object(
    {
      cores: z
        .array(
          z
            .object(
              {
                state: z.object(
                  { kind: z.literal('struct', 'must be a struct layout') },
                  'must be a struct layout',
                ),
                create: z.custom((value) => typeof value === 'function', 'must be a function'),
              },
              'must be made by defineCore',
            )
            .loose(),
          'must be a list of cores, one a node',
        )
        .min(1, 'must have a core at least'),
      atlas: z.object(
        {
          safety: z.partialRecord(z.enum(faultKinds), budget, 'must be an object of fault kinds'),
          unavailable: wholeNumber,
          beyond: z.array(z.object({ name }), 'must be a list, [] for none'),
        },
        'must be { safety, unavailable, beyond }',
      ),
      spec: z.object(
        {
          invariants: z.array(property, 'must be a list, [] for none'),
          stepInvariants: z.array(property, 'must be a list, [] for none'),
          goal: z.object(
            {
              name,
              meaning: z.string('must be a text'),
              reached: z.custom((value) => typeof value === 'function', 'must be a function'),
            },
            'must be { name, meaning, reached }',
          ),
        },
        'must be { invariants, stepInvariants, history, goal }',
      ),
      bounds: z.record(z.string(), z.number('must be a number'), 'must be an object of numbers, {} for none'),
    },
    'must be an object: { cores, atlas, spec, bounds, … }',
  )
  .loose()

function complain(path: string, where: string, error: z.ZodError, mend: string): UsageError {
  const issue = error.issues[0]!
  const field = [where, ...issue.path.map(String)].join('.')
  const missing = issue.code === 'invalid_type' && issue.input === undefined
  return new UsageError(`SYSTEM ${path}: ${field} ${missing ? `is missing: it ` : ''}${issue.message}`, mend)
}

function checkDefinition(path: string, definition: unknown): void {
  const result = definitionSchema.safeParse(definition, { reportInput: true })
  if (!result.success)
    throw complain(
      path,
      'system',
      result.error,
      'declare it with defineSystem, whose types name what is wanted.',
    )
}

/** Builds the default world once, so that what is wrong with a module is told before workers are started. */
function checkModel(path: string, definition: SystemDefinition): void {
  const setup: Setup = defaultSetup(definition)
  const building = (error: unknown, what: string): UsageError =>
    new UsageError(
      `SYSTEM ${path}: ${what}: ${messageOf(error)}${placeOf(error)}`,
      'mend the system; it was built with its default parameters and without a bug.',
    )
  let model: unknown
  try {
    model = buildModel(definition, setup)
  } catch (error) {
    throw building(error, 'system.build throws')
  }
  const result = modelSchema.safeParse(model, { reportInput: true })
  if (!result.success)
    throw complain(
      path,
      'system.build(…)',
      result.error,
      'its result must be a SystemModel (see the types of aviary).',
    )
  try {
    buildWorld(definition, setup)
  } catch (error) {
    throw building(error, 'no world can be made of system.build(…)')
  }
}

// ---- fingerprints

const shortHash = (texts: readonly (string | Buffer)[]): string => {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(text).update('\0')
  return hash.digest('hex').slice(0, 12)
}

let installed: string | undefined
/** The fingerprint of the code that came with Aviary and decides what a run does. */
function installedFingerprint(): string {
  if (installed !== undefined) return installed
  const texts: (string | Buffer)[] = []
  for (const folder of ['protocol', 'sim', 'model-check/litmus']) {
    const files = readdirSync(join(installation, folder), { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((each) => each.endsWith('.js')).sort())
      texts.push(`${folder}/${file.replaceAll('\\', '/')}`, readFileSync(join(installation, folder, file)))
  }
  installed = shortHash(texts)
  return installed
}
