/** The systems that a module exports; in a file of its own, since it also runs in a browser's worker. */
import type { SystemDefinition } from '../protocol/index.js'

/** What looks like a system among the exports of a module. */
export function systemsIn(exports: Readonly<Record<string, unknown>>): readonly SystemDefinition[] {
  const { system, systems: list } = exports
  if (system !== undefined) return [system as SystemDefinition]
  if (Array.isArray(list)) return list as SystemDefinition[]
  return [...new Set(Object.values(exports).filter(looksLikeSystem))]
}

const looksLikeSystem = (value: unknown): value is SystemDefinition =>
  typeof value === 'object' && value !== null && 'build' in value && typeof value.build === 'function'
