/** The run of a wrong variant on the right protocol: what it does otherwise, first of all, and how it goes on to a commit. */
import type { BranchId, FieldChange } from '../session/protocol.js'
import { byWeight, heavyFields, weightOf } from './sheets/weights.js'
import { shortText } from './sheets/values.js'
import type { Workbench } from './workbench.js'

/** The step after which the right run is, and stays, another than the wrong one. */
export interface Contrast {
  readonly wrong: BranchId
  /** Position from which on the states differ, or at which the right run takes another action. */
  readonly at: number
  /** The difference in one sentence. */
  readonly words: string
  /** What differs, the wrong value first; none where the actions differ before any state does. */
  readonly changes: readonly (FieldChange & { readonly part: string })[]
}

/**
 * Takes all of the run again without the mistake, as far as it is possible, and goes to the first difference. Resolves to
 * the branch, or undefined when it cannot be made, which is told.
 */
export async function followRight(bench: Workbench): Promise<BranchId | undefined> {
  const wrong = bench.branch!.branch
  const bent = await bench.try('alter', { branch: wrong, at: bench.length, variant: null })
  if (bent === undefined) return undefined
  const right = bent.branch.branch
  const contrast = await contrastOf(bench, wrong, right)
  if (contrast !== undefined) bench.contrasts.set(right, contrast)
  await bench.showBent(bent, Math.min(contrast?.at ?? bent.branch.length, bent.branch.length))
  return right
}

async function contrastOf(bench: Workbench, wrong: BranchId, right: BranchId): Promise<Contrast | undefined> {
  const branches = [wrong, right] as const
  const whole = await bench.try('compare', { branches })
  if (whole === undefined) return undefined
  const { common, actions } = whole
  if (whole.parts.length === 0) {
    const [mine, its] = actions.map((action) => action?.text ?? 'ends')
    const words =
      mine === its
        ? `Both runs take the same ${String(common)} actions, to the same state.`
        : `Up to ${String(common)} both are the same. Then the wrong run: ${mine!}. The right one: ${its!}.`
    return { wrong, at: common, words, changes: [] }
  }
  // By halving, without a look at every step: a difference that passes again before the end may be missed.
  let same = -1
  let other = common
  let found = whole
  while (other - same > 1) {
    const middle = same + ((other - same) >> 1)
    const read = await bench.try('compare', { branches, at: [middle, middle] })
    if (read === undefined) return undefined
    if (read.parts.length === 0) same = middle
    else [other, found] = [middle, read]
  }
  const state = await bench.try('state', { branch: right, at: other })
  if (state === undefined) return undefined
  const heavy = heavyFields(state, bench.world!)
  const changes = found.parts
    .flatMap(({ part, changes: its }) =>
      its.map((change) => ({ ...change, part: part.replace(/ private$/, '') })),
    )
    .sort(byWeight(heavy))
  const [first] = changes
  const telling = changes.filter((change) => weightOf(change, heavy) < 3)
  const after = state.previous === null ? 'At the start' : `After action ${String(other)}`
  return {
    wrong,
    at: other,
    words: `${after} ${first!.path} of ${first!.part} is ${shortText(first!.after)} instead of ${shortText(first!.before)}.`,
    changes: telling.length > 0 ? telling : changes,
  }
}

const onwardSeed = 1
const onwardActions = 300

/** Goes on from the end of a branch by a seed, without faults, to the next commit. Resolves to its branch. */
export async function onToCommit(
  bench: Workbench,
  from: BranchId,
  at: number,
): Promise<BranchId | undefined> {
  const on = { branch: from, at, seed: onwardSeed, scheduler: 'random', faults: false } as const
  const long = await bench.long('going on', 'goOn', { ...on, actions: onwardActions })
  if (long === undefined) return undefined
  const its = { branch: long.branch.branch, at }
  const commit = await bench.try('seek', { ...its, target: 'commit', direction: 1 })
  if (commit?.at === undefined || commit.at === null) {
    await bench.showBent(long, long.branch.length)
    return its.branch
  }
  // The same seed draws the same actions: this is the beginning of the long one.
  const short = await bench.long('going on', 'goOn', { ...on, actions: commit.at - at })
  await bench.try('close', { branch: its.branch })
  if (short === undefined) return undefined
  await bench.showBent(short, commit.at)
  return short.branch.branch
}
