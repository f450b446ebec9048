/** A sheet of the inspector: drawn anew when what it shows has changed, and only while it is the one in front. */
import type { Step } from '../../session/protocol.js'
import { h } from '../dom.js'
import type { Topic } from '../topics.js'
import type { Workbench } from '../workbench.js'

export interface Sheet {
  readonly id: string
  readonly title: string
  readonly topics: readonly Topic[]
  /** Patches its place (patch.ts), so that what one points at or types into stays the element that it is. */
  draw(place: HTMLElement, bench: Workbench): void
}

/** Draws a sheet; a person who has the focus there keeps it in the sheet, even where what had it is gone. */
export function redraw(sheet: Sheet, place: HTMLElement, bench: Workbench): void {
  const isThere = place.contains(document.activeElement)
  sheet.draw(place, bench)
  if (isThere && !place.contains(document.activeElement)) place.focus()
}

/** Actions in words as a list; each goes to where it has been taken. */
export const stepButtons = (steps: readonly Step[], bench: Workbench): HTMLElement[] =>
  steps.map(({ action, text }) =>
    h(
      'li',
      { 'data-key': `step ${String(action)}` },
      h(
        'button',
        {
          class: 'choice',
          on: {
            click: () => {
              bench.go(action + 1)
            },
          },
        },
        h('b', {}, `${String(action + 1)} `),
        text,
      ),
    ),
  )
