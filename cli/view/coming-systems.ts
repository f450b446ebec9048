/** What comes with Aviary and can be run in the page. Bundled into the worker, so nothing of Node is used here. */
import { litmusSystem, parseLitmus } from '../../model-check/litmus/index.js'
import { type SystemDefinition, systems } from '../../protocol/index.js'
import type { KnownSystem } from '../../viz/session/stage.js'

/** Name and text of a litmus program. */
export type NamedProgram = readonly [name: string, text: string]

/** A litmus program as a system; its text is read when it is first looked at. */
function programAsSystem(file: string, text: string): KnownSystem {
  let definition: SystemDefinition | undefined
  return {
    get definition() {
      return (definition ??= litmusSystem(parseLitmus(file, text)))
    },
    origin: 'litmus',
    modulePath: file,
    program: text,
  }
}

export const comingSystems = (programs: readonly NamedProgram[]): readonly KnownSystem[] => [
  ...systems.map((definition) => ({ definition, origin: 'built-in' as const })),
  ...programs.map(([name, text]) => programAsSystem(`${name}.litmus`, text)),
]
