/** Litmus files: those that come with Aviary, and the user's. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LitmusError, type LitmusProgram, parseLitmus } from '../model-check/litmus/index.js'
import { installation } from './error-place.js'
import { UsageError, fileError, nearest, unknownName } from './errors.js'

/** A file as it was named, and what is in it. */
export interface ProgramFile {
  readonly path: string
  readonly text: string
  readonly program: LitmusProgram
}

/** Where the programs that come with Aviary are. */
const folder = join(dirname(installation), 'model-check', 'litmus', 'programs')
const ending = '.litmus'

export const packagedNames = (): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort()

/** Name and text of each program that comes with Aviary. */
export const packagedPrograms = (): readonly (readonly [name: string, text: string])[] =>
  packagedNames().map((name) => [name, readProgram(packagedPath(name))])

/** The programs that an argument means: a file, a folder of files, or the name of one that comes with Aviary. */
export function programsOf(argument: string): readonly ProgramFile[] {
  const stat = statSync(argument, { throwIfNoEntry: false })
  if (stat?.isDirectory() === true) {
    const files = readdirSync(argument).filter((name) => name.endsWith(ending))
    if (files.length === 0)
      throw new UsageError(
        `${argument}: has no file that ends with ${ending}`,
        'name another folder, or a file.',
      )
    return files.sort().map((name) => programAt(join(argument, name)))
  }
  if (stat === undefined && !/[/\\]/.test(argument) && !argument.endsWith(ending)) {
    const names = packagedNames()
    if (!names.includes(argument)) throw unknownName('FILE: there is no program', argument, names)
    return [packaged(argument)]
  }
  return [programAt(argument)]
}

/** Where a program that comes with Aviary is. */
export const packagedPath = (name: string): string => join(folder, `${name}${ending}`)

export const packaged = (name: string): ProgramFile => {
  const file = programAt(packagedPath(name))
  return { ...file, path: name }
}

function programAt(path: string): ProgramFile {
  const text = readProgram(path)
  return { path, text, program: parseProgram(path, text) }
}

export function readProgram(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw fileError('cannot read', path, error)
  }
}

export function parseProgram(path: string, text: string): LitmusProgram {
  try {
    return parseLitmus(path, text)
  } catch (error) {
    throw litmusError(error)
  }
}

/** What is wrong with a program, in the words of the command. */
export function litmusError(error: unknown): unknown {
  if (!(error instanceof LitmusError)) return error
  const near = error.word === '' ? undefined : nearest(error.word, error.known)
  return new UsageError(
    error.message,
    near === undefined ? error.mend : `did you mean ${near}? ${error.mend}`,
  )
}
