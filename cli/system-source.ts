/** Where a system comes from, as plain data that a worker thread can be given; and how a thread gets hold of it. */
import { litmusSystem, parseLitmus } from '../model-check/litmus/index.js'
import { type SystemDefinition, systems } from '../protocol/index.js'
import { systemsIn } from './systems-in.js'

export type SystemSource =
  | { readonly kind: 'built-in'; readonly name: string }
  /** A bundle that was written by this process, and which of its systems. */
  | { readonly kind: 'bundle'; readonly bundleUrl: string; readonly name: string }
  /** A litmus program: its text, and the file it came from. */
  | { readonly kind: 'litmus'; readonly file: string; readonly text: string }

/** Loads a system that has been looked at before: by the main thread, in `load-system.ts`. */
export async function openSystem(source: SystemSource): Promise<SystemDefinition> {
  if (source.kind === 'litmus') return litmusSystem(parseLitmus(source.file, source.text))
  const known = source.kind === 'built-in' ? systems : systemsIn(await importModule(source.bundleUrl))
  const found = known.find((system) => system.name === source.name)
  if (found === undefined) throw new Error(`the system ${source.name} is not where it was found before`)
  return found
}

export async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  return (await import(url)) as Readonly<Record<string, unknown>>
}
