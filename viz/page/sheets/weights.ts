/**
 * Which changed fields tell the story: the state of a role machine and the marks of a log (commit, end) first, then single
 * fields, then what is inside of lists, digests and raw bytes.
 */
import type { FieldChange, FieldValue, StateInfo, WorldInfo } from '../../session/protocol.js'

export interface Heavy {
  /** Names of fields that are marks of a log. */
  readonly marks: ReadonlySet<string>
  /** States of role machines, as values. */
  readonly roles: ReadonlySet<string>
}

export function heavyFields(state: StateInfo, world: WorldInfo): Heavy {
  return {
    marks: new Set(
      state.nodes.flatMap(({ rings }) => rings.flatMap((ring) => ring.marks.map(({ name }) => name))),
    ),
    roles: new Set(world.roles.flatMap((machine) => Object.keys(machine.states))),
  }
}

/** Commit before the other marks; they before single fields; what is 3 is folded. */
export function weightOf({ path, before, after }: FieldChange, { marks, roles }: Heavy): 0 | 1 | 2 | 3 {
  if (path === 'commit' || (isOf(roles, before) && isOf(roles, after))) return 0
  if (marks.has(path)) return 1
  return /[.[]|digest/.test(path) || isRaw(before) || isRaw(after) ? 3 : 2
}
const isOf = (names: ReadonlySet<string>, value: FieldValue): boolean =>
  typeof value === 'string' && names.has(value)
const isRaw = (value: FieldValue): boolean =>
  typeof value === 'object' || (typeof value === 'string' && /^[0-9a-f]{16,}$/.test(value))

/** An order of changes; those of one weight stay in theirs. */
export const byWeight =
  (heavy: Heavy) =>
  (a: FieldChange, b: FieldChange): number =>
    weightOf(a, heavy) - weightOf(b, heavy)
