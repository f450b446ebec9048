/**
 * The guided tour: one bug of APUS from beginning to end, by the keys of the workbench itself. Each step does what it
 * speaks of, so that a person sees it happen, and may do it again by hand.
 */
import { h } from './dom.js'
import type { Inspector } from './inspector.js'
import { openUrl } from './files.js'
import { findOne } from './gallery.js'
import type { Workbench } from './workbench.js'

interface TourStep {
  readonly title: string
  readonly words: string
  readonly act: () => Promise<void> | void
}

const tourSystem = 'apus'
const tourVariant = 'completion-is-acknowledgement'

function stepsOf(bench: Workbench, inspector: Inspector): readonly TourStep[] {
  const violationAt = (): number => bench.branch?.violation?.at ?? bench.length
  return [
    {
      title: 'A run that went wrong',
      words:
        'This is APUS with one planted mistake: the leader takes the completion of an RDMA WRITE for an acknowledgement. Each row is a part of a replica: its CPU, its NIC, its memory. Order runs to the right, one column an action. The red line is where a promise broke; the sheet on the right says which, and why.',
      act: async () => {
        const kept = bench.manifest?.gallery.find(
          (one) => one.system === tourSystem && one.variant === tourVariant,
        )
        if (kept !== undefined) await openUrl(bench, kept.url, tourVariant)
        else await findOne(bench, tourSystem, tourVariant)
        inspector.show('why')
      },
    },
    {
      title: 'From the beginning',
      words:
        'The cursor is at the start. → takes one action, ← takes it back, Space plays. Squares are what NICs do by themselves: packets arrive, words of 8 bytes are placed, a completion returns. Circles are the protocol’s own code.',
      act: () => {
        bench.go(0)
        inspector.show('state')
      },
    },
    {
      title: 'The write has left',
      words:
        'Here a client’s request has reached the leader, and the leader has posted a WRITE to its followers. The arrow goes from the post over the words that are placed to the completion. What the step changed in memory is listed on the right.',
      act: async () => {
        bench.go(0)
        await bench.seek('message', 1)
        inspector.show('state')
      },
    },
    {
      title: 'The leader commits',
      words:
        'The leader has committed: it has counted completions. But a completion says only that a NIC has the bytes. No follower has stored the entry, as its log shows: look at “In flight” and at the other replicas.',
      act: async () => {
        bench.go(0)
        await bench.seek('commit', 1)
        inspector.show('state')
      },
    },
    {
      title: 'Where it breaks',
      words:
        'Every property has a row with its truth over the run. This one is violated: what was committed is not on a majority, so it can be lost. The reason is given with the values.',
      act: () => {
        bench.go(violationAt())
        inspector.show('properties')
      },
    },
    {
      title: 'Leave the path',
      words:
        'Go back a few steps and choose something else. “Next” lists all that could happen there; whatever you choose becomes a branch, kept beside the run. You can crash a node, end the faults, or let the page hunt for a violation from there.',
      act: () => {
        bench.go(Math.max(0, violationAt() - 3))
        inspector.show('next')
      },
    },
    {
      title: 'The fix',
      words:
        'Count acknowledgements that followers write, not completions. “Follow it on the right protocol”, beneath what mends it, takes the same steps without the mistake, and tells which are not possible then. ? lists all keys, G is the gallery of the other mistakes. That is the tour.',
      act: () => {
        bench.go(violationAt())
        inspector.show('why')
      },
    },
  ]
}

/** The tour as a card in a corner that does not take the page away from the person. */
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

  constructor(bench: Workbench, inspector: Inspector) {
    this.#bench = bench
    this.#inspector = inspector
  }
  get active(): boolean {
    return !this.element.hidden
  }
  async begin(): Promise<void> {
    this.element.hidden = false
    await this.#go(0)
  }
  async next(): Promise<void> {
    if (!this.active) return
    const steps = stepsOf(this.#bench, this.#inspector)
    if (this.#step + 1 >= steps.length) this.end()
    else await this.#go(this.#step + 1)
  }
  async back(): Promise<void> {
    if (this.active && this.#step > 0) await this.#go(this.#step - 1)
  }
  end(): void {
    this.element.hidden = true
  }

  async #go(index: number): Promise<void> {
    this.#step = index
    const steps = stepsOf(this.#bench, this.#inspector)
    const step = steps[index]!
    await step.act()
    const isLast = index === steps.length - 1
    const next = h(
      'button',
      { class: 'main', id: 'tour-next', on: { click: () => void this.next() } },
      isLast ? 'Done' : 'Next',
    )
    this.element.replaceChildren(
      h(
        'div',
        { class: 'row spread' },
        h('h2', {}, step.title),
        h('span', { class: 'quiet' }, `${String(index + 1)} of ${String(steps.length)}`),
      ),
      h('p', { 'aria-live': 'polite' }, step.words),
      h(
        'div',
        { class: 'row spread' },
        h(
          'button',
          {
            class: 'plain',
            on: {
              click: () => {
                this.end()
              },
            },
          },
          'Leave the tour',
        ),
        h(
          'div',
          { class: 'row' },
          h('button', { disabled: index === 0, on: { click: () => void this.back() } }, 'Back'),
          next,
        ),
      ),
      h(
        'p',
        { class: 'quiet' },
        h('kbd', {}, 'Enter'),
        ' next, ',
        h('kbd', {}, 'Backspace'),
        ' back, ',
        h('kbd', {}, 'Esc'),
        ' leaves',
      ),
    )
    next.focus()
  }
}
