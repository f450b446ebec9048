/**
 * The guided tour: one bug of APUS from beginning to end, by the keys of the workbench itself. Each step does what it
 * speaks of, so that a person sees it happen, and may do it again by hand.
 */
import { h } from './dom.js'
import type { Inspector } from './inspector.js'
import type { BranchId, StateInfo } from '../session/protocol.js'
import { openUrl } from './files.js'
import { findOne } from './gallery.js'
import { followRight, onToCommit } from './right.js'
import type { Workbench } from './workbench.js'

interface TourStep {
  readonly title: string
  /** Read after `act`. */
  readonly words: () => string
  readonly act: () => Promise<void> | void
}

const tourSystem = 'apus'
const tourVariant = 'completion-is-acknowledgement'

/** The branches of the tour, each made when its step is come to, and what is said of them. */
interface Tale {
  wrong: BranchId | undefined
  right: BranchId | undefined
  onward: BranchId | undefined
  seenBy: string
}

function stepsOf(bench: Workbench, inspector: Inspector, tale: Tale): readonly TourStep[] {
  const violationAt = (): number => bench.branch?.violation?.at ?? bench.length
  const show = async (branch: BranchId | undefined, at?: number): Promise<void> => {
    if (branch !== undefined && bench.branch?.branch !== branch) await bench.showBranch(branch, at ?? 0)
    if (at !== undefined) bench.go(at)
  }
  return [
    {
      title: 'A run that went wrong',
      words: () =>
        'This is APUS, which replicates a service by RDMA, with one planted mistake: the leader takes the completion of a WRITE for an acknowledgement. A row is a part of a replica: its CPU, its NIC, its memory. Order runs to the right, one column an action. At the red line a promise broke, one step ahead of the cursor; “Why” on the right says which.',
      act: async () => {
        if (tale.wrong === undefined || !bench.branches.some((one) => one.branch === tale.wrong)) {
          tale.right = tale.onward = undefined
          const kept = bench.manifest?.gallery.find(
            (one) => one.system === tourSystem && one.variant === tourVariant,
          )
          if (kept !== undefined) await openUrl(bench, kept.url, tourVariant)
          else await findOne(bench, tourSystem, tourVariant)
          tale.wrong = bench.branch?.branch
        } else await show(tale.wrong)
        bench.go(Math.max(0, violationAt() - 1))
        inspector.show('why')
      },
    },
    {
      title: 'From the beginning',
      words: () =>
        'The cursor is at the start. → takes one action, ← takes it back, Space plays. Flags are clients: a request is asked, and arrives. Squares are what NICs do by themselves: packets arrive, words of 8 bytes are placed, a completion returns. No process is asked for that.',
      act: async () => {
        await show(tale.wrong, 0)
        inspector.show('state')
      },
    },
    {
      title: 'The write has left',
      words: () =>
        'A client’s request, to move money, has reached the leader. The leader has put it into its own log and posted a WRITE to its followers. The arrow goes from the post over the words that are placed to the completion. “State” lists what the step changed.',
      act: async () => {
        await show(tale.wrong, 0)
        const { wrong } = tale
        if (wrong === undefined) return
        const on = { branch: wrong, at: 0, target: 'kind', kind: 'request', direction: 1 } as const
        const request = await bench.try('seek', on)
        if (request?.at !== undefined && request.at !== null) bench.go(request.at)
        bench.node = Math.max(0, (await stateHere(bench))?.previous?.node ?? 0)
        inspector.show('state')
      },
    },
    {
      title: 'The leader commits',
      words: () =>
        `One completion and the leader itself are 2 of 3: it commits, and tells the client that the money is moved. But a completion says only that a NIC has the bytes. In the log of ${tale.seenBy}, on the right, the entry is “seen”: every word lies in its memory, but its process has not run since, so it has not stored the entry.`,
      act: async () => {
        await show(tale.wrong, 0)
        await bench.seek('commit', 1)
        const seen = (await stateHere(bench))?.nodes.find(({ rings }) =>
          rings.some((ring) => ring.entries.some((entry) => entry.state === 'seen')),
        )
        tale.seenBy = bench.world?.nodes[seen?.node ?? 0]?.name ?? 'a follower'
        if (seen !== undefined) bench.node = seen.node
        inspector.show('state', 'Log of')
      },
    },
    {
      title: 'Where it breaks',
      words: () =>
        'A promise of APUS: what is committed is stored at a majority. Here the leader alone has stored it. If its machine dies now, the others may elect a leader that never had the entry: the client was told that its transfer is done, and it is gone. “Invariants” has every promise with its truth over the run.',
      act: async () => {
        await show(tale.wrong)
        bench.go(violationAt())
        inspector.show('properties')
      },
    },
    {
      title: 'Leave the path',
      words: () =>
        'Three steps earlier. “Next” lists all that can happen here; whatever you choose becomes a branch, kept beside the run. Crash a node, end the faults, or let the page hunt for a violation from here. The tour goes on from where it was.',
      act: async () => {
        await show(tale.wrong)
        bench.go(Math.max(0, violationAt() - 3))
        inspector.show('next')
      },
    },
    {
      title: 'The fix',
      words: () =>
        `Count acknowledgements that followers write, not completions. This is the same run on the right protocol. ${contrastWords(bench, tale)} The leader has not committed: it waits until a follower says that it has stored the entry.`,
      act: async () => {
        await show(tale.wrong)
        const at = tale.right === undefined ? undefined : bench.contrasts.get(tale.right)?.at
        if (tale.right === undefined) tale.right = await followRight(bench)
        else await show(tale.right, at)
        inspector.show('why', 'contrast')
      },
    },
    {
      title: 'The real commit',
      words: () =>
        `The right run goes on by a seed. The follower’s process runs, finds the words, stores the entry and writes an acknowledgement; at ${String(bench.at)} the leader has counted it, and commits what a majority has. On any other run, “Follow it on the right protocol” under “Why” shows the fix. ? lists all keys, G is the gallery of the other mistakes. That is the tour.`,
      act: async () => {
        if (tale.onward !== undefined) await show(tale.onward)
        else if (tale.right !== undefined) {
          await show(tale.right)
          tale.onward = await onToCommit(bench, tale.right, bench.length)
        }
        bench.go(bench.length)
        bench.node = 0
        inspector.show('state')
      },
    },
  ]
}

/** The state at the cursor; that of the workbench may still be on its way. */
const stateHere = async (bench: Workbench): Promise<StateInfo | undefined> =>
  bench.branch && bench.try('state', { branch: bench.branch.branch, at: bench.at })

const contrastWords = (bench: Workbench, { right }: Tale): string =>
  right === undefined ? '' : (bench.contrasts.get(right)?.words ?? '')

/** The tour as a strip beneath the workbench, so that it hides nothing of what it speaks of. */
export class Tour {
  readonly element = h('section', {
    class: 'tour',
    id: 'tour',
    'aria-label': 'Guided tour',
    hidden: true,
  })
  readonly #bench: Workbench
  readonly #inspector: Inspector
  #step = 0
  #tale: Tale = { wrong: undefined, right: undefined, onward: undefined, seenBy: '' }
  /** Whether a step is being made; what is pressed meanwhile would begin from half of it. */
  #isActing = false

  constructor(bench: Workbench, inspector: Inspector) {
    this.#bench = bench
    this.#inspector = inspector
  }
  get active(): boolean {
    return !this.element.hidden
  }
  async begin(): Promise<void> {
    this.element.hidden = false
    document.body.classList.add('touring')
    this.#tale = { wrong: undefined, right: undefined, onward: undefined, seenBy: '' }
    await this.#go(0)
  }
  async next(): Promise<void> {
    if (!this.active || this.#isActing) return
    const steps = stepsOf(this.#bench, this.#inspector, this.#tale)
    if (this.#step + 1 >= steps.length) this.end()
    else await this.#go(this.#step + 1)
  }
  async back(): Promise<void> {
    if (this.active && !this.#isActing && this.#step > 0) await this.#go(this.#step - 1)
  }
  end(): void {
    this.element.hidden = true
    document.body.classList.remove('touring')
  }

  async #go(index: number): Promise<void> {
    this.#step = index
    const steps = stepsOf(this.#bench, this.#inspector, this.#tale)
    const step = steps[index]!
    this.#isActing = true
    try {
      await step.act()
    } finally {
      this.#isActing = false
    }
    if (!this.active) return
    const isLast = index === steps.length - 1
    const next = h(
      'button',
      { class: 'main', id: 'tour-next', on: { click: () => void this.next() } },
      isLast ? 'Done' : 'Next',
    )
    const end = (): void => {
      this.end()
    }
    this.element.replaceChildren(
      h(
        'div',
        { class: 'grow' },
        h(
          'h2',
          {},
          step.title,
          ' ',
          h('span', { class: 'quiet' }, `${String(index + 1)} of ${String(steps.length)}`),
        ),
        h('p', { 'aria-live': 'polite' }, step.words()),
      ),
      h(
        'div',
        { class: 'steer' },
        h(
          'div',
          { class: 'row' },
          h('button', { disabled: index === 0, on: { click: () => void this.back() } }, 'Back'),
          next,
        ),
        h('p', { class: 'quiet' }, h('kbd', {}, 'Enter'), ' next, ', h('kbd', {}, 'Backspace'), ' back'),
        h('button', { class: 'plain', on: { click: end } }, 'Leave the tour ', h('kbd', {}, 'Esc')),
      ),
    )
    next.focus()
  }
}
